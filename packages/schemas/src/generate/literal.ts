const lineWidth = 120

/** A value of plain objects, arrays and scalars as TypeScript source in the house's format. `column` is where it starts. */
export function literal(value: unknown, indent = '', column = 0): string {
  const flat = inline(value)
  if (typeof value !== 'object' || value === null) return flat
  if (Array.isArray(value)) {
    const listOfObjects =
      value.length > 1 && value.every((item) => typeof item === 'object' && Object.keys(item as object).length > 1)
    if (!listOfObjects && column + flat.length <= lineWidth - 1) return flat
    const items = value.map((item) => `${indent}  ${literal(item, `${indent}  `, indent.length + 2)},\n`)
    return `[\n${items.join('')}${indent}]`
  }
  if (column + flat.length <= lineWidth - 1) return flat
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  const lines = entries.map(([key, item]) => {
    const head = `${indent}  ${propertyKey(key)}: `
    return `${head}${literal(item, `${indent}  `, head.length)},\n`
  })
  return `{\n${lines.join('')}${indent}}`
}

function inline(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    return entries.length === 0
      ? '{}'
      : `{ ${entries.map(([key, item]) => `${propertyKey(key)}: ${inline(item)}`).join(', ')} }`
  }
  return String(value)
}

/** An object key: bare when it can be. `__proto__` needs the computed form to be a key at all. */
function propertyKey(key: string): string {
  if (key === '__proto__') return "['__proto__']"
  return /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(key) ? key : quote(key)
}

/** A string literal in single quotes; double quotes when that saves escapes. */
export function quote(text: string): string {
  const json = JSON.stringify(text)
  if (text.includes("'") && !text.includes('"')) return json
  return `'${json.slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}
