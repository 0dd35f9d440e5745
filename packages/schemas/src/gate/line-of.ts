/** Line, from 1, of the field at a path such as `lines[].price`; of the last part of the path that is there, else 1. */
export function lineOf(text: string, path: string): number {
  const names = path
    .split('.')
    .map((part) => part.replaceAll('[]', ''))
    .filter((part) => part !== '')
  let from = 0
  let at = 0
  for (const name of names) {
    // Fields lie behind the field they are in, so the search goes on from there.
    const found = new RegExp(`"name"\\s*:\\s*"${name.replace(/[^A-Za-z0-9_]/g, '.')}"`).exec(text.slice(from))
    if (found === null) break
    at = from + found.index
    from = at + found[0].length
  }
  return text.slice(0, at).split('\n').length
}
