import { Codec, Encoding, PageType } from './format.ts'
import type { ParquetCompression } from './compression.ts'
import type { ChunkMeta } from './leaf-column.ts'
import { writeSchemaElements, type SchemaTree } from './schema-tree.ts'
import { ThriftWriter } from './thrift-compact.ts'

export interface RowGroupMeta {
  readonly rows: number
  readonly offset: number
  readonly chunks: readonly ChunkMeta[]
}

export interface FooterParts {
  readonly tree: SchemaTree
  readonly rowGroups: readonly RowGroupMeta[]
  readonly compression: ParquetCompression
  readonly keyValueMetadata: readonly (readonly [string, string])[]
  readonly createdBy: string
}

/** `FileMetaData` in Thrift's compact protocol, without the length and magic bytes that follow it. */
export function encodeFooter({ tree, rowGroups, compression, keyValueMetadata, createdBy }: FooterParts): Uint8Array {
  const thrift = new ThriftWriter()
  return thrift.root(() => {
    thrift.i32(1, 1)
    writeSchemaElements(thrift, tree.elements)
    thrift.i64(
      3,
      rowGroups.reduce((sum, group) => sum + group.rows, 0),
    )
    let ordinal = 0
    thrift.structs(4, rowGroups, (group) => {
      const compressed = group.chunks.reduce((sum, chunk) => sum + chunk.compressedBytes, 0)
      thrift.structs(1, group.chunks, (chunk) => {
        thrift.i64(2, 0)
        thrift.struct(3, () => writeColumnMeta(thrift, chunk, compression))
      })
      thrift.i64(
        2,
        group.chunks.reduce((sum, chunk) => sum + chunk.uncompressedBytes, 0),
      )
      thrift.i64(3, group.rows)
      thrift.i64(5, group.offset)
      thrift.i64(6, compressed)
      // The field has 16 bits; readers take the position in the list when it is absent.
      if (ordinal < 32_768) thrift.i16(7, ordinal++)
    })
    if (keyValueMetadata.length > 0) {
      thrift.structs(5, keyValueMetadata, ([key, value]) => {
        thrift.string(1, key)
        thrift.string(2, value)
      })
    }
    thrift.string(6, createdBy)
    // Bounds without a column order are ignored: TYPE_ORDER says that they follow the logical type.
    thrift.structs(7, tree.leaves, () => thrift.struct(1, () => undefined))
  })
}

function writeColumnMeta(thrift: ThriftWriter, chunk: ChunkMeta, compression: ParquetCompression): void {
  const { leaf, bounds, dictionaryOffset } = chunk
  const levels = leaf.maxDef > 0 || leaf.maxRep > 0 ? [Encoding.RLE] : []
  const dictionary = dictionaryOffset === undefined ? [] : [Encoding.PLAIN]
  thrift.i32(1, leaf.physical)
  thrift.i32s(2, [...new Set([...dictionary, ...levels, chunk.encoding])])
  thrift.strings(3, leaf.path)
  thrift.i32(4, Codec[compression])
  thrift.i64(5, chunk.values)
  thrift.i64(6, chunk.uncompressedBytes)
  thrift.i64(7, chunk.compressedBytes)
  thrift.i64(9, chunk.dataOffset)
  if (dictionaryOffset !== undefined) thrift.i64(11, dictionaryOffset)
  thrift.struct(12, () => {
    thrift.i64(3, chunk.nulls)
    if (bounds?.max) thrift.binary(5, bounds.max)
    if (bounds?.min) thrift.binary(6, bounds.min)
    if (bounds?.max) thrift.boolean(7, bounds.maxExact)
    if (bounds?.min) thrift.boolean(8, bounds.minExact)
  })
  thrift.structs(
    13,
    [PageType.DICTIONARY, PageType.DATA].filter((type) => type === PageType.DATA || dictionaryOffset !== undefined),
    (type) => {
      thrift.i32(1, type)
      thrift.i32(2, type === PageType.DATA ? chunk.encoding : Encoding.PLAIN)
      thrift.i32(3, type === PageType.DATA ? chunk.pages : 1)
    },
  )
}
