/**
 * The part of regular expressions that JavaScript, RE2 (DuckDB, BigQuery) and PostgreSQL read alike. Not in it: `.`
 * (differs on line breaks), `\d \w \s \b` (differ on Unicode), back references, look-around, lazy quantifiers, flags.
 */
const literal = String.raw`[A-Za-z0-9 _@%#,:;=<>!~'"\/&-]|\\[.\\^$*+?()[\]{}|\/]`
const classItem = String.raw`[A-Za-z0-9 _@%#,:;=<>!~'"\/&.*+?(){}|$]|\\[\\\]^[-]`
const charClass = String.raw`\[\^?(?:(?:${classItem})-(?:${classItem})|(?:${classItem}))+-?\]`
const quantifier = String.raw`(?:[*+?]|\{\d{1,3}(?:,(?:\d{1,3})?)?\})?`
const token = new RegExp(String.raw`^(?:(?:(?:${literal}|${charClass}|\))${quantifier})|\((?:\?:)?|\||\^|\$)`)

/** True when the pattern is valid JavaScript and stays inside the common part. */
export function isPortablePattern(pattern: string): boolean {
  let rest = pattern
  while (rest.length > 0) {
    const match = token.exec(rest)
    if (match === null) return false
    rest = rest.slice(match[0].length)
  }
  try {
    return compilePattern(pattern) instanceof RegExp
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

/** Compiled with `u`, so that a class stands for one code point, as in SQL. */
export function compilePattern(pattern: string): RegExp {
  return new RegExp(pattern, 'u')
}
