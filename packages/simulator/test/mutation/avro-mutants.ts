import type { Mutant } from './mutant.ts'

const emit = 'columnar/src/avro/emit.ts'
const source = 'columnar/src/avro/source.ts'
const wire = 'columnar/src/avro/wire.ts'
const text = 'columnar/src/builder/check-text.ts'

/** Checks of the Avro decoder; most of them are text that becomes the generated decoder. */
export const avroMutants: readonly Mutant[] = [
  {
    name: 'trailing bytes',
    edits: [{ file: emit, find: '`if(p!==e){z=${trailingId};break rec}`,', replace: '' }],
    feeds: ['ecommerce-events', 'bakery.weather_data'],
    guards: ['trailing_bytes'],
  },
  {
    name: 'enum index',
    edits: [
      {
        file: emit,
        find: "const range = `if(t>=${count})${exit.direct(tables.site('enum_index', path, expected))}`",
        replace: 'const range = `if(t>=${count})t=0;`',
      },
    ],
    feeds: ['pharma.batch_status', 'ecommerce-events'],
    guards: ['enum_index'],
  },
  {
    name: 'union index',
    edits: [
      {
        file: emit,
        find: "return `${read}${branches.join('')}{",
        replace: "return `${read}if(t>=${plan.branches.length})t=0;${branches.join('')}{",
      },
    ],
    feeds: ['ecommerce-events', 'pharma.batch_status'],
    guards: ['union_index'],
  },
  {
    name: 'boolean byte',
    edits: [{ file: emit, find: 't=s[p++];if(t>1)${invalid}b${c}', replace: 't=s[p++];if(t>1)t=1;b${c}' }],
    feeds: ['pharma.sensor_data'],
    guards: ['boolean_invalid'],
  },
  {
    name: 'length of a varint, fast path',
    edits: [{ file: wire, find: 'if (b > 1) return OVERFLOW', replace: '' }],
    feeds: ['pharma.batch_status'],
    guards: ['varint_overflow'],
  },
  {
    name: 'length of an int',
    edits: [{ file: wire, find: 'if (shift === 28 && b > 15) return OVERFLOW', replace: '' }],
    feeds: ['bakery.customer_feedback'],
    guards: ['varint_overflow'],
  },
  {
    name: 'end of the record in a long, length or index',
    edits: [
      {
        file: wire,
        find: 'if (p >= e) return TRUNCATED\n      b = s[p++]!\n      if (shift < 28)',
        replace: 'b = s[p++]!\n      if (shift < 28)',
      },
    ],
    feeds: ['ecommerce-events'],
    guards: ['truncated'],
  },
  {
    name: 'end of the record in a value of fixed size',
    edits: [
      {
        file: source,
        find: "return `if(e-p<${bytes})${exit.direct(tables.site('truncated', path, `${bytes} more bytes`))}`",
        replace: "return ''",
      },
    ],
    feeds: ['pharma.sensor_data'],
    guards: ['truncated'],
  },
  {
    name: 'negative length',
    edits: [{ file: source, find: 't=X[0];if(t<0)${exit.direct(below)}}`', replace: 't=X[0];if(t<0)t=0;}`' }],
    feeds: ['pharma.lab_results'],
    guards: ['length_negative'],
  },
  {
    name: 'length beyond the record',
    edits: [{ file: source, find: 'return `${read}if(t>e-p)${exceeds}`', replace: 'return `${read}if(t>e-p)t=e-p;`' }],
    feeds: ['pharma.lab_results'],
    guards: ['length_exceeds'],
  },
  {
    name: 'form of a uuid',
    edits: [
      {
        file: emit,
        find: 'if(t!==36||!parseUuid(s,p,b${c},16*${i}))${invalid}p+=36;',
        replace: 'parseUuid(s,p,b${c},16*${i});p+=t;',
      },
    ],
    feeds: ['bakery.sales_events'],
    guards: ['uuid_invalid'],
  },
  {
    name: 'digits of a decimal',
    edits: [
      { file: emit, find: 'return `if(!readDecimal(s,p,t', replace: 'return `(readDecimal(s,p,t' },
      { file: emit, find: '${safe},${most}))${invalid}p+=t;`', replace: '${safe},${most}));p+=t;`' },
    ],
    feeds: ['bakery.sales_events'],
    guards: ['decimal_precision'],
  },
  {
    name: 'size of a block',
    edits: [{ file: source, find: '`if(x${suffix}>=0&&p!==x${suffix})${size}`,', replace: '' }],
    feeds: ['bakery.sales_events'],
    guards: ['block_size'],
  },
  {
    name: 'budget of items',
    edits: [{ file: source, find: '`if(t>${maxItems}-Q[0])${budget}Q[0]+=t;`,', replace: '' }],
    feeds: ['bakery.sales_events'],
    guards: ['items_budget'],
  },
  {
    // Looked at for whole columns, and record by record in short runs.
    name: 'UTF-8',
    edits: [
      { file: text, find: 'if (!isUtf8(text)) return false', replace: '' },
      { file: emit, find: '(utf8 && checkText ?', replace: '(utf8 && checkText && false ?' },
    ],
    feeds: ['ecommerce-events', 'pharma.deviations'],
    guards: ['utf8_invalid'],
  },
]
