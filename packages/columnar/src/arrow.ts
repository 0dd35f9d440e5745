/**
 * `@sluice/columnar/arrow`: batches as `apache-arrow` record batches, for those who have that package installed.
 *
 * @see https://arrow.apache.org/docs/format/Columnar.html
 */
import * as arrow from 'apache-arrow'
import type { Column, ColumnBatch, DataType, Field } from './types.ts'

/** The Arrow type of a column. uuid is FixedSizeBinary(16), an enum Dictionary<Utf8, Int32>. */
export function arrowType(type: DataType): arrow.DataType {
  switch (type.kind) {
    case 'null':
      return new arrow.Null()
    case 'boolean':
      return new arrow.Bool()
    case 'int32':
      return new arrow.Int32()
    case 'int64':
      return new arrow.Int64()
    case 'float32':
      return new arrow.Float32()
    case 'float64':
      return new arrow.Float64()
    case 'utf8':
      return new arrow.Utf8()
    case 'binary':
      return new arrow.Binary()
    case 'fixed':
      return new arrow.FixedSizeBinary(type.size)
    case 'uuid':
      return new arrow.FixedSizeBinary(16)
    case 'enum':
      // The id lets Arrow share dictionaries; equal symbols may share one.
      return new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), dictionaryId(type.symbols))
    case 'decimal':
      return new arrow.Decimal(type.scale, type.precision, 128)
    case 'date':
      return new arrow.DateDay()
    case 'time':
      return type.unit === 'milli' ? new arrow.TimeMillisecond() : new arrow.TimeMicrosecond()
    case 'timestamp': {
      const zone = type.utc ? 'UTC' : null
      if (type.unit === 'milli') return new arrow.TimestampMillisecond(zone)
      return type.unit === 'micro' ? new arrow.TimestampMicrosecond(zone) : new arrow.TimestampNanosecond(zone)
    }
    case 'list':
      return new arrow.List(arrowField(type.item))
    case 'map':
      return new arrow.Map_(
        mapEntries(type.value) as arrow.Field<arrow.Struct<{ key: arrow.DataType; value: arrow.DataType }>>,
      )
    case 'struct':
      return new arrow.Struct(type.fields.map(arrowField))
  }
}

/** A field; its id is kept as metadata `PARQUET:field_id`, as Arrow's own Parquet reader does. */
export function arrowField(field: Field): arrow.Field {
  const metadata = field.fieldId === undefined ? null : new Map([['PARQUET:field_id', String(field.fieldId)]])
  return new arrow.Field(field.name, arrowType(field.type), field.nullable, metadata)
}

function mapEntries(value: Field): arrow.Field {
  const key = new arrow.Field('key', new arrow.Utf8(), false)
  return new arrow.Field('entries', new arrow.Struct([key, arrowField(value)]), false)
}

const dictionaryIds = new Map<string, number>()

function dictionaryId(symbols: readonly string[]): number {
  const key = symbols.join(',')
  let id = dictionaryIds.get(key)
  if (id === undefined) dictionaryIds.set(key, (id = dictionaryIds.size))
  return id
}

/**
 * A batch as an Arrow `RecordBatch` over the same memory; nothing is copied, so do not transfer the batch afterwards.
 */
export function toArrow(batch: ColumnBatch): arrow.RecordBatch {
  const schema = new arrow.Schema(batch.schema.fields.map(arrowField))
  const children = batch.columns.map((column, i) => toData(column, schema.fields[i]!.type))
  const data = arrow.makeData({ type: new arrow.Struct(schema.fields), length: batch.length, nullCount: 0, children })
  return new arrow.RecordBatch(schema, data)
}

function toData(column: Column, type: arrow.DataType): arrow.Data {
  const { length, nullCount } = column
  const validity = column.validity === undefined || nullCount === 0 ? {} : { nullBitmap: column.validity }
  const head = { length, nullCount, ...validity }
  const { values, offsets } = column
  switch (column.type.kind) {
    case 'null':
      return arrow.makeData({ type: type as arrow.Null, length })
    case 'utf8':
      return arrow.makeData({ ...head, type: type as arrow.Utf8, valueOffsets: offsets!, data: values as Uint8Array })
    case 'binary':
      return arrow.makeData({ ...head, type: type as arrow.Binary, valueOffsets: offsets!, data: values as Uint8Array })
    case 'enum': {
      const symbols = arrow.vectorFromArray([...column.type.symbols], new arrow.Utf8())
      return arrow.makeData({
        ...head,
        type: type as arrow.Dictionary,
        data: values as Int32Array,
        dictionary: symbols,
      })
    }
    case 'decimal': {
      const bytes = values as Uint8Array
      const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
      return arrow.makeData({ ...head, type: type as arrow.Decimal, data: words })
    }
    case 'list': {
      const item = toData(column.children![0]!, (type as arrow.List).children[0]!.type)
      return arrow.makeData({ ...head, type: type as arrow.List, valueOffsets: offsets!, child: item })
    }
    case 'map': {
      const entriesType = (type as arrow.Map_).children[0]!.type as unknown as arrow.Struct
      const [keys, items] = column.children!
      const entries = arrow.makeData({
        type: entriesType,
        length: keys!.length,
        nullCount: 0,
        children: [toData(keys!, entriesType.children[0]!.type), toData(items!, entriesType.children[1]!.type)],
      })
      return arrow.makeData({ ...head, type: type as arrow.Map_, valueOffsets: offsets!, child: entries })
    }
    case 'struct': {
      const children = column.children!.map((child, i) => toData(child, (type as arrow.Struct).children[i]!.type))
      return arrow.makeData({ ...head, type: type as arrow.Struct, children })
    }
    default:
      return arrow.makeData({ ...head, type: type as arrow.Int64, data: values as BigInt64Array })
  }
}
