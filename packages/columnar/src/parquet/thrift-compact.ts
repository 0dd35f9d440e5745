import { ByteWriter } from '../byte-writer.ts'

const TYPE_TRUE = 1
const TYPE_FALSE = 2
const TYPE_I8 = 3
const TYPE_I16 = 4
const TYPE_I32 = 5
const TYPE_I64 = 6
const TYPE_BINARY = 8
const TYPE_LIST = 9
const TYPE_STRUCT = 12

const utf8 = new TextEncoder()

/**
 * Writes Thrift structs in the compact protocol, field by field in ascending id order.
 *
 * ```
 * field   = (id - previous id) << 4 | type, when the difference is 1..15; else type, zigzag varint id
 * boolean = its value is the field type (1 true, 2 false)
 * i16/i32/i64 = zigzag varint     binary = varint length, bytes
 * list    = size << 4 | element type, when size < 15; else 0xf0 | element type, varint size
 * struct  = fields, 0x00
 * ```
 * @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export class ThriftWriter {
  readonly out = new ByteWriter(1024)
  #previousId = 0
  readonly #outerIds: number[] = []

  #field(id: number, type: number): void {
    const delta = id - this.#previousId
    if (delta > 0 && delta <= 15) this.out.byte((delta << 4) | type)
    else {
      this.out.byte(type)
      this.#zigzag(id)
    }
    this.#previousId = id
  }

  /** Zigzag varint of an integer within ±2^52. */
  #zigzag(value: number): void {
    this.out.varint(value >= 0 ? value * 2 : -value * 2 - 1)
  }

  boolean(id: number, value: boolean): void {
    this.#field(id, value ? TYPE_TRUE : TYPE_FALSE)
  }

  i8(id: number, value: number): void {
    this.#field(id, TYPE_I8)
    this.out.byte(value)
  }

  i16(id: number, value: number): void {
    this.#field(id, TYPE_I16)
    this.#zigzag(value)
  }

  i32(id: number, value: number): void {
    this.#field(id, TYPE_I32)
    this.#zigzag(value)
  }

  i64(id: number, value: number): void {
    this.#field(id, TYPE_I64)
    this.#zigzag(value)
  }

  binary(id: number, value: Uint8Array): void {
    this.#field(id, TYPE_BINARY)
    this.out.varint(value.length)
    this.out.append(value)
  }

  string(id: number, value: string): void {
    this.binary(id, utf8.encode(value))
  }

  struct(id: number, write: () => void): void {
    this.#field(id, TYPE_STRUCT)
    this.#body(write)
  }

  #list(id: number, size: number, elementType: number): void {
    this.#field(id, TYPE_LIST)
    if (size < 15) this.out.byte((size << 4) | elementType)
    else {
      this.out.byte(0xf0 | elementType)
      this.out.varint(size)
    }
  }

  structs<T>(id: number, items: readonly T[], write: (item: T) => void): void {
    this.#list(id, items.length, TYPE_STRUCT)
    for (const item of items) this.#body(() => write(item))
  }

  i32s(id: number, values: readonly number[]): void {
    this.#list(id, values.length, TYPE_I32)
    for (const value of values) this.#zigzag(value)
  }

  strings(id: number, values: readonly string[]): void {
    this.#list(id, values.length, TYPE_BINARY)
    for (const value of values) {
      const bytes = utf8.encode(value)
      this.out.varint(bytes.length)
      this.out.append(bytes)
    }
  }

  /** The outermost struct, which has no field header. */
  root(write: () => void): Uint8Array {
    this.#body(write)
    return this.out.view()
  }

  #body(write: () => void): void {
    this.#outerIds.push(this.#previousId)
    this.#previousId = 0
    write()
    this.out.byte(0)
    this.#previousId = this.#outerIds.pop()!
  }
}
