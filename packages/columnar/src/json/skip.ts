import type { JsonCursor } from './cursor.ts'
import type { JsonSettings } from './options.ts'

export const trueWord = Uint8Array.from('true', (c) => c.charCodeAt(0))
export const falseWord = Uint8Array.from('false', (c) => c.charCodeAt(0))
export const nullWord = Uint8Array.from('null', (c) => c.charCodeAt(0))

/** Passes over a value of an unknown field, checking that it is JSON. `depth` counts the containers around it. */
export function skipJson(cursor: JsonCursor, settings: JsonSettings, path: string, depth: number): void {
  const byte = cursor.peek(path)
  switch (byte) {
    case 0x22:
      cursor.string(path)
      return
    case 0x74:
      cursor.literal(trueWord, path)
      return
    case 0x66:
      cursor.literal(falseWord, path)
      return
    case 0x6e:
      cursor.literal(nullWord, path)
      return
    case 0x7b:
    case 0x5b:
      break
    default:
      cursor.number(path)
      return
  }
  if (depth >= settings.maxDepth) cursor.fail('depth_exceeded', path, `at most ${settings.maxDepth} levels`)
  const isObject = byte === 0x7b
  const close = isObject ? 0x7d : 0x5d
  cursor.pos++
  if (cursor.peek(path) === close) {
    cursor.pos++
    return
  }
  for (;;) {
    if (isObject) {
      if (cursor.peek(path) !== 0x22) cursor.fail('json_syntax', path, 'a key')
      cursor.string(path)
      if (cursor.peek(path) !== 0x3a) cursor.fail('json_syntax', path, 'a colon')
      cursor.pos++
    }
    skipJson(cursor, settings, path, depth + 1)
    const next = cursor.peek(path)
    cursor.pos++
    if (next === close) return
    if (next !== 0x2c) cursor.fail('json_syntax', path, isObject ? 'a comma or }' : 'a comma or ]')
  }
}
