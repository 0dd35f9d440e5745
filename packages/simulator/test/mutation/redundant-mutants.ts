import type { Mutant } from './mutant.ts'

const cursor = 'columnar/src/json/cursor.ts'

/**
 * Checks that another one stands behind: without them the same records are refused with the same code, so no ledger can
 * tell. They are there for speed or for a better path in the dead letter. A test holds each to that.
 */
export const redundantMutants: readonly Mutant[] = [
  {
    name: 'end of the record in an int: the field behind it finds the end, too',
    edits: [
      {
        file: 'columnar/src/avro/wire.ts',
        find: 'if (p >= e) return TRUNCATED\n  let b = s[p++]!',
        replace: 'let b = s[p++]!',
      },
    ],
    feeds: ['bakery.customer_feedback'],
    guards: [],
  },
  {
    name: 'null value of a JSON record: the decoder wants a value, too',
    edits: [
      {
        file: 'ingest-core/src/decode/envelope-pass.ts',
        find: 'else if (valueStart < 0) {',
        replace: 'else if (valueStart === -99) {',
      },
    ],
    feeds: ['telco.customers'],
    guards: [],
  },
  {
    name: 'JSON: first half of a surrogate pair: the text is checked as a whole, too',
    edits: [
      {
        file: cursor,
        find: "if (point >= 0xdc00 && point < 0xe000) this.fail('utf8_invalid', path, 'no lone surrogate')",
        replace: '',
      },
    ],
    feeds: ['events_raw'],
    guards: [],
  },
  {
    name: 'JSON: digit behind a sign: what follows is no comma',
    edits: [
      {
        file: cursor,
        find: 'if (p >= end) return -2\n    if (!isDigit(text[p]!)) return -1\n    if (text[p] === 0x30)',
        replace: 'if (p >= end) return -2\n    if (text[p] === 0x30)',
      },
    ],
    feeds: ['telco.customers'],
    guards: [],
  },
]
