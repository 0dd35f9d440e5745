import type { Column } from '@sluice/columnar'

/** A column with every U+0000 in texts, at any depth, replaced by U+FFFD. The column itself when there is none. */
export function replaceNul(column: Column): Column {
  const { type, children, offsets } = column
  if (type.kind === 'utf8') {
    const bytes = column.values as Uint8Array
    if (!bytes.includes(0)) return column
    const parts: number[] = []
    const moved = new Int32Array(column.length + 1)
    for (let row = 0; row < column.length; row++) {
      for (let at = offsets![row]!; at < offsets![row + 1]!; at++) {
        if (bytes[at] === 0) parts.push(0xef, 0xbf, 0xbd)
        else parts.push(bytes[at]!)
      }
      moved[row + 1] = parts.length
    }
    return { ...column, offsets: moved, values: Uint8Array.from(parts) }
  }
  if (children === undefined) return column
  const replaced = children.map(replaceNul)
  return replaced.every((child, i) => child === children[i]) ? column : { ...column, children: replaced }
}
