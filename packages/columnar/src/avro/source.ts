import type { DecodeCode } from '../decode-codes.ts'

/** What a failure number of generated code stands for. */
export interface Site {
  readonly code: DecodeCode
  readonly path: string
  readonly expected: string
}

/** How a piece of generated code leaves when it meets a bad value. */
export interface Exit {
  /** Statement that fails with site `id`. */
  direct(id: number): string
  /** Statement for a negative code in `p`: -1 is site `base`, -2 the next one, and so on. */
  coded(base: number): string
  /** Statement for a negative site number in `p`, as a skip function returns it. */
  passed(): string
}

/** Inside the record loop: leave the block of the record with the site number in `z`. */
export const leaveRecord: Exit = {
  direct: (id) => `{z=${id};break rec}`,
  coded: (base) => `{z=${base - 1}-p;break rec}`,
  passed: () => '{z=-p;break rec}',
}

/** Inside a function for a part of the record: return the site number. */
export const returnSite: Exit = {
  direct: (id) => `return ${id};`,
  coded: (base) => `return ${base - 1}-p;`,
  passed: () => 'return -p;',
}

/** Inside a skip function: return the negative site number instead of a position. */
export const returnNegative: Exit = {
  direct: (id) => `return ${-id};`,
  coded: (base) => `return p-${base - 1};`,
  passed: () => 'return p;',
}

/** Constants and failure sites of one generated function. Sites count from 1. */
export interface Tables {
  readonly sites: Site[]
  readonly constants: unknown[]
  site(code: DecodeCode, path: string, expected: string): number
  constant(value: unknown): string
}

export function createTables(): Tables {
  const sites: Site[] = []
  const constants: unknown[] = []
  return {
    sites,
    constants,
    site: (code, path, expected) => sites.push({ code, path, expected }),
    constant: (value) => `k${constants.push(value) - 1}`,
  }
}

/**
 * Statement that reads an index or length into `t`, with one site per reason to refuse it. One byte without its sign bit
 * (lowest) and continuation bit (highest) is the common case.
 */
export function readIndexInto(
  tables: Tables,
  exit: Exit,
  path: string,
  expected: string,
  tooLarge: DecodeCode,
  negative: DecodeCode,
): string {
  const base = tables.site('truncated', path, expected)
  tables.site('varint_overflow', path, expected)
  tables.site(tooLarge, path, expected)
  const below = tables.site(negative, path, expected)
  return `if(p<e&&((t=s[p])&129)===0){p++;t>>=1}else{p=readCount(s,p,e,X);if(p<0)${exit.coded(base)}t=X[0];if(t<0)${exit.direct(below)}}`
}

/** Statement that reads a length within the rest of the record into `t`. */
export function readLengthInto(tables: Tables, exit: Exit, path: string): string {
  const read = readIndexInto(tables, exit, path, 'a length of 0 or more', 'length_exceeds', 'length_negative')
  const exceeds = exit.direct(tables.site('length_exceeds', path, 'a length within the record'))
  return `${read}if(t>e-p)${exceeds}`
}

/** Statement that requires `bytes` more bytes in the record. */
export function need(tables: Tables, exit: Exit, path: string, bytes: number): string {
  return `if(e-p<${bytes})${exit.direct(tables.site('truncated', path, `${bytes} more bytes`))}`
}

export interface BlockOptions {
  readonly path: string
  /** Fewest bytes an item takes. */
  readonly minBytes: number
  readonly maxItems: number
  readonly maxEmptyItems: number
  /** Suffix that keeps the variables of nested lists apart. */
  readonly suffix: string
  /** Makes room for `t` items. */
  readonly prepare: string
  /** Statement around `item` that repeats it `t` times. */
  readonly loop: string
}

/**
 * Statements that read the blocks of an array or map. Before anything is allocated a count is checked against the
 * budget of the record and against the bytes that are left (inputs 7 to 9).
 */
export function readBlocks(tables: Tables, exit: Exit, options: BlockOptions): string {
  const { path, minBytes, maxItems, maxEmptyItems, suffix, prepare, loop } = options
  const budget = exit.direct(tables.site('items_budget', path, `at most ${maxItems} items in the record`))
  const empty = exit.direct(
    tables.site('items_budget', path, `at most ${maxEmptyItems} items of no bytes in the record`),
  )
  const short = exit.direct(tables.site('truncated', path, 'as many items as the block says'))
  const size = exit.direct(tables.site('block_size', path, 'a block size equal to its items'))
  const base = tables.site('truncated', path, 'a block count')
  tables.site('varint_overflow', path, 'a block count')
  tables.site('items_budget', path, `at most ${maxItems} items in the record`)
  tables.site('items_budget', path, `at most ${maxItems} items in the record`)
  return [
    `for(;;){p=readCount(s,p,e,X);if(p<0)${exit.coded(base)}`,
    't=X[0];if(t===0)break;',
    `x${suffix}=-1;`,
    `if(t<0){h${suffix}=-t;${readLengthInto(tables, exit, path)}x${suffix}=p+t;t=h${suffix}}`,
    `if(t>${maxItems}-Q[0])${budget}Q[0]+=t;`,
    minBytes > 0 ? `if(t*${minBytes}>e-p)${short}` : `if(t>${maxEmptyItems}-Q[1])${empty}Q[1]+=t;`,
    prepare,
    loop,
    `if(x${suffix}>=0&&p!==x${suffix})${size}`,
    '}',
  ].join('')
}
