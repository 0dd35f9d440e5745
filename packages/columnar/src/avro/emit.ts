import type { ColumnNode, Layout } from '../builder/layout.ts'
import { alwaysFitsBytes, mostWords } from '../decimal.ts'
import type { DecodeLimits } from './decode-limits.ts'
import type { AvroNode, FixedNode, PrimitiveNode } from './model.ts'
import type { Plan, Step } from './plan.ts'
import { createSkipEmitter, minimumBytes } from './skip.ts'
import { createTables, leaveRecord, need, readBlocks, readIndexInto, readLengthInto, returnSite } from './source.ts'
import type { Exit, Site } from './source.ts'

/** Source of a function body with its constants. Made of numbers and fixed words only: no name of a schema enters it. */
export interface DecoderSource {
  readonly source: string
  readonly constants: readonly unknown[]
  readonly sites: readonly Site[]
}

/** Values below this length are copied by whole words, longer ones by `set`, bytes. */
const wordCopyBytes = 512
/** Bytes behind a value that copying by whole words may read and overwrite. */
const wordSlack = 16
/** Source length above which a record is split into functions, as V8 does not optimise very large ones. */
const maxSingleFunction = 60_000
const maxPart = 8_000
const scratch = 'let t=0,u=0,j=0,n=0;'

/** Names under which generated code reaches the arrays of column `c`: variable prefix and property of the store. */
const arraysByStorage: Readonly<Record<ColumnNode['storage'], readonly (readonly [string, string])[]>> = {
  none: [],
  bits: [['b', 'bytes']],
  ints: [['w', 'ints']],
  longs: [['w', 'ints']],
  floats: [['f', 'floats']],
  doubles: [['g', 'doubles']],
  fixed: [['b', 'bytes']],
  bytes: [
    ['b', 'bytes'],
    ['y', 'byteView'],
    ['o', 'offsets'],
  ],
  struct: [],
  list: [['o', 'offsets']],
}

function arraysOf(node: ColumnNode): readonly (readonly [string, string])[] {
  const own = arraysByStorage[node.storage]
  const words = node.type.kind === 'decimal' ? ([['w', 'ints']] as const) : []
  return node.tracksNulls ? [...own, ...words, ['m', 'present']] : [...own, ...words]
}

/**
 * Condition and statement that read a varint of 5 to 8 bytes, as timestamps are, without a branch per byte: the first
 * four continuation bits must be set; the lowest clear one of the next four ends the number; then 7-bit groups close up.
 */
function shortLong(words: string, at: string): string {
  const close = (v: string): string => `${v}=${v}&0x7f|${v}>>>1&0x3f80|${v}>>>2&0x1fc000|${v}>>>3&0xfe00000;`
  return (
    `p+8<=e&&((t=view.getInt32(p,true))&0x80808080)===${0x80808080 | 0}` +
    `&&(n=~(u=view.getInt32(p+4,true))&0x80808080)!==0){` +
    `n&=-n;u&=n-1;p+=8-(Math.clz32(n)>>3);${close('t')}${close('u')}` +
    `t|=u<<28;u>>>=4;n=-(t&1);${words}[${at}]=(t>>>1|u<<31)^n;${words}[${at}+1]=u>>>1^n}`
  )
}

/** Statements that fetch the arrays of a column again after one of them may have been replaced. */
function reload(node: ColumnNode): string {
  return arraysOf(node)
    .map(([prefix, property]) => `${prefix}${node.index}=S[${node.index}].${property};`)
    .join('')
}

/**
 * Generates the record loop. Variables: `s` bytes, `p` position, `e` end of the record, `L` end of the
 * bytes, `M` length below which a value may be copied by words, `r` row, `z` failure site,
 * `t u j n` scratch; per column `b y w f g o m` arrays and the position `j` in `b`; per list group `n` slot, `q` capacity, `h` loop end, `x` block end.
 * @param checkText checks every string for UTF-8; without it the caller checks what was appended as a whole
 */
export function emitDecoder(
  steps: readonly Step[],
  layout: Layout,
  limits: DecodeLimits,
  checkText: boolean,
): DecoderSource {
  const single = generate(steps, layout, limits, checkText, false)
  return single.source.length > maxSingleFunction ? generate(steps, layout, limits, checkText, true) : single
}

/** @param wide splits the fields of records into functions that share their variables */
function generate(
  steps: readonly Step[],
  layout: Layout,
  limits: DecodeLimits,
  checkText: boolean,
  wide: boolean,
): DecoderSource {
  const tables = createTables()
  const nullId = tables.site('null_value', '', 'a value')
  const sizeId = tables.site('size_exceeded', '', `at most ${limits.maxBytes} bytes`)
  const trailingId = tables.site('trailing_bytes', '', 'the end of the record')
  const skipper = createSkipEmitter(tables, limits)
  const parts: string[] = []

  const slotOf = (node: ColumnNode): string => (node.group === 0 ? 'r' : `n${node.group}`)

  const capacityOf = (group: number): string => `q${group}=set.capacity[${group}];`

  const reloadGroup = (group: number): string => layout.groups[group]!.map(reload).join('') + capacityOf(group)

  /** Sets the positions in a column and those inside it to the end of slot `slot - 1`, as its offsets tell. */
  const position = (node: ColumnNode, slot: string): string => {
    if (node.storage === 'bytes') return `j${node.index}=o${node.index}[${slot}];`
    if (node.storage === 'struct') return node.children.map((child) => position(child, slot)).join('')
    if (node.storage !== 'list') return ''
    const items = `n${node.children[0]!.group}`
    return `${items}=o${node.index}[${slot}];${node.children.map((child) => position(child, items)).join('')}`
  }

  const present = (node: ColumnNode): string => (node.tracksNulls ? `m${node.index}[${slotOf(node)}]=1;` : '')

  const clear = (node: ColumnNode): string => {
    const c = node.index
    const i = slotOf(node)
    const mark = node.tracksNulls ? `m${c}[${i}]=0;` : ''
    switch (node.storage) {
      case 'bits':
        return `${mark}b${c}[${i}]=0;`
      case 'ints':
        return `${mark}w${c}[${i}]=0;`
      case 'longs':
        return `${mark}w${c}[2*${i}]=0;w${c}[2*${i}+1]=0;`
      case 'floats':
        return `${mark}f${c}[${i}]=0;`
      case 'doubles':
        return `${mark}g${c}[${i}]=0;`
      case 'fixed':
        return `${mark}b${c}.fill(0,${node.width}*${i},${node.width}*${i}+${node.width});`
      case 'bytes':
        return `${mark}o${c}[${i}+1]=j${c};`
      case 'list':
        return `${mark}o${c}[${i}+1]=n${node.children[0]!.group};`
      case 'struct':
        return mark + node.children.map(clear).join('')
      case 'none':
        return mark
    }
  }

  const writeDefault = (node: ColumnNode, value: unknown): string => {
    const c = node.index
    const i = slotOf(node)
    switch (node.storage) {
      case 'bits':
        return `${present(node)}b${c}[${i}]=${value === true ? 1 : 0};`
      case 'ints': {
        const int = node.type.kind === 'enum' ? node.type.symbols.indexOf(value as string) : (value as number)
        return `${present(node)}w${c}[${i}]=${Math.trunc(int)};`
      }
      case 'longs': {
        const long = value as bigint
        const low = Number(BigInt.asIntN(32, long))
        return `${present(node)}w${c}[2*${i}]=${low};w${c}[2*${i}+1]=${Number(BigInt.asIntN(32, long >> 32n))};`
      }
      case 'floats':
        return `${present(node)}f${c}[${i}]=${tables.constant(value)};`
      case 'doubles':
        return `${present(node)}g${c}[${i}]=${tables.constant(value)};`
      default: {
        const touched = (column: ColumnNode): string => {
          const capacity = column.storage === 'list' ? capacityOf(column.children[0]!.group) : ''
          return reload(column) + capacity + column.children.map(touched).join('')
        }
        return `writeDefault(set,${c},${i},${tables.constant(value)});${touched(node)}${position(node, `${i}+1`)}`
      }
    }
  }

  /** Copies `t` bytes, eight at a time where the bytes behind the value may be read, too. */
  const readBytes = (node: ColumnNode, path: string, utf8: boolean, exit: Exit): string => {
    const c = node.index
    const i = slotOf(node)
    const invalid = utf8 ? exit.direct(tables.site('utf8_invalid', path, 'valid UTF-8')) : ''
    const copyWord = (at: string): string => `y${c}.setBigInt64(j${c}+${at},view.getBigInt64(p+${at},true),true);`
    return (
      (utf8 && checkText ? `if(!isValidUtf8(s,p,p+t))${invalid}` : '') +
      `n=j${c}+t;if(n+${wordSlack}>b${c}.length){b${c}=ensureBytes(S[${c}],j${c},n+${wordSlack});y${c}=S[${c}].byteView}` +
      `if(t<M){${copyWord('0')}${copyWord('8')}` +
      `if(t>16){u=16;do{${copyWord('u')}u+=8}while(u<t)}}` +
      `else copyBytes(s,p,t,b${c},j${c});` +
      `p+=t;` +
      `o${c}[${i}+1]=j${c}=n;`
    )
  }

  const scalar = (node: ColumnNode, writer: PrimitiveNode | FixedNode, path: string, exit: Exit): string => {
    const c = node.index
    const i = slotOf(node)
    const varint = (call: string): string => {
      const base = tables.site('truncated', path, writer.kind)
      tables.site('varint_overflow', path, writer.kind)
      return `p=${call};if(p<0)${exit.coded(base)}`
    }
    switch (writer.kind) {
      case 'boolean': {
        const invalid = exit.direct(tables.site('boolean_invalid', path, '0 or 1'))
        return `${need(tables, exit, path, 1)}t=s[p++];if(t>1)${invalid}b${c}[${i}]=t;`
      }
      case 'int':
        if (node.storage === 'ints') return varint(`readInt(s,p,e,w${c},${i})`)
        return (
          varint('readInt(s,p,e,X,0)') +
          (node.storage === 'longs'
            ? `w${c}[2*${i}]=X[0];w${c}[2*${i}+1]=X[0]>>31;`
            : `${node.storage === 'floats' ? 'f' : 'g'}${c}[${i}]=X[0];`)
        )
      case 'long':
        if (node.storage === 'longs') {
          return `if(${shortLong(`w${c}`, `2*${i}`)}else{${varint(`readLong(s,p,e,w${c},2*${i})`)}}`
        }
        return (
          varint('readLong(s,p,e,X,0)') +
          (node.storage === 'floats' ? `f${c}[${i}]=longToFloat(X[0],X[1]);` : `g${c}[${i}]=longToDouble(X[0],X[1]);`)
        )
      case 'float':
        return `${need(tables, exit, path, 4)}${node.storage === 'floats' ? 'f' : 'g'}${c}[${i}]=view.getFloat32(p,true);p+=4;`
      case 'double':
        return `${need(tables, exit, path, 8)}g${c}[${i}]=view.getFloat64(p,true);p+=8;`
      case 'fixed':
        if (node.type.kind === 'decimal') {
          return `${need(tables, exit, path, writer.size)}t=${writer.size};${decimal(node, path, exit)}`
        }
        return (
          need(tables, exit, path, writer.size) +
          (writer.size <= 64
            ? `for(j=${writer.size}*${i},n=j+${writer.size};j<n;)b${c}[j++]=s[p++];`
            : `b${c}.set(s.subarray(p,p+${writer.size}),${writer.size}*${i});p+=${writer.size};`)
        )
      case 'string':
      case 'bytes': {
        const length = readLengthInto(tables, exit, path)
        if (node.type.kind === 'decimal') return length + decimal(node, path, exit)
        if (node.type.kind === 'uuid') {
          const invalid = exit.direct(tables.site('uuid_invalid', path, 'a uuid of 36 characters'))
          return `${length}if(t!==36||!parseUuid(s,p,b${c},16*${i}))${invalid}p+=36;`
        }
        return length + readBytes(node, path, writer.kind === 'string' || node.type.kind === 'utf8', exit)
      }
      case 'null':
        return ''
    }
  }

  const decimal = (node: ColumnNode, path: string, exit: Exit): string => {
    const precision = node.type.kind === 'decimal' ? node.type.precision : 0
    const invalid = exit.direct(tables.site('decimal_precision', path, `at most ${precision} digits`))
    const most = tables.constant(mostWords(precision))
    const safe = alwaysFitsBytes(precision)
    return `if(!readDecimal(s,p,t,w${node.index},4*${slotOf(node)},${safe},${most}))${invalid}p+=t;`
  }

  const items = (node: ColumnNode, writerItem: AvroNode, item: string, path: string, exit: Exit): string => {
    const c = node.index
    const g = node.children[0]!.group
    const slot = slotOf(node)
    const blocks = readBlocks(tables, exit, {
      path,
      minBytes: minimumBytes(writerItem) + (node.type.kind === 'map' ? 1 : 0),
      maxItems: limits.maxItems,
      maxEmptyItems: limits.maxEmptyItems,
      suffix: String(g),
      prepare: `if(n${g}+t>q${g}){ensureSlots(set,${g},n${g}+t);${reloadGroup(g)}}`,
      loop: `for(h${g}=n${g}+t;n${g}<h${g};n${g}++){${item}}`,
    })
    return `${present(node)}${blocks}o${c}[${slot}+1]=n${g};`
  }

  const tooDeep = (path: string, exit: Exit): string =>
    exit.direct(tables.site('depth_exceeded', path, `at most ${limits.maxDepth} levels`))

  /** `depth` counts the records, arrays and maps around the value. */
  const emit = (plan: Plan, path: string, depth: number, exit: Exit): string => {
    switch (plan.op) {
      case 'skip':
        return skipper.skip(plan.writer, path, String(depth), exit)
      case 'null':
        return clear(plan.column)
      case 'default':
        return writeDefault(plan.column, plan.value)
      case 'scalar':
        return present(plan.column) + scalar(plan.column, plan.writer, path, exit)
      case 'enum': {
        const { column, writer, symbols } = plan
        const c = column.index
        const i = slotOf(column)
        const count = writer.symbols.length
        const expected = `an index below ${count}`
        const read = readIndexInto(tables, exit, path, expected, 'enum_index', 'enum_index')
        const range = `if(t>=${count})${exit.direct(tables.site('enum_index', path, expected))}`
        const same = symbols.every((target, at) => target === at)
        const unknown = exit.direct(tables.site('enum_symbol', path, 'a symbol of the reader'))
        const store = same ? `w${c}[${i}]=t;` : `u=${tables.constant(symbols)}[t];if(u<0)${unknown}w${c}[${i}]=u;`
        return present(column) + read + range + store
      }
      case 'struct':
        if (depth >= limits.maxDepth) return tooDeep(path, exit)
        return present(plan.column) + sequence(plan.steps, depth + 1, exit)
      case 'list': {
        if (depth >= limits.maxDepth) return tooDeep(path, exit)
        const item = emit(plan.item, `${path}[]`, depth + 1, exit)
        return items(plan.column, plan.writerItem, item, path, exit)
      }
      case 'map': {
        if (depth >= limits.maxDepth) return tooDeep(path, exit)
        const at = `${path}[]`
        const key = scalar(plan.column.children[0]!, { kind: 'string' }, at, exit)
        return items(plan.column, plan.writerValue, key + emit(plan.value, at, depth + 1, exit), path, exit)
      }
      case 'switch': {
        const expected = `an index below ${plan.branches.length}`
        const read = readIndexInto(tables, exit, path, expected, 'union_index', 'union_index')
        const refused = tables.site('union_branch', path, 'a branch of the union that the reader takes')
        const branches = plan.branches.map((branch, i) => {
          const body = branch === undefined ? exit.direct(refused) : emit(branch, path, depth, exit)
          return `if(t===${i}){${body}}else `
        })
        return `${read}${branches.join('')}{${exit.direct(tables.site('union_index', path, expected))}}`
      }
      case 'member': {
        const [tag, ...members] = plan.column.children
        const others = members.filter((_, i) => i !== plan.member).map(clear)
        const mark = `${present(tag!)}w${tag!.index}[${slotOf(tag!)}]=${plan.member};`
        return `${present(plan.column)}${mark}${others.join('')}${emit(plan.plan, path, depth, exit)}`
      }
    }
  }

  const sequence = (all: readonly Step[], depth: number, exit: Exit): string => {
    if (!wide) return all.map((step) => emit(step.plan, step.path, depth, exit)).join('')
    const calls: string[] = []
    let part = ''
    const flush = (): void => {
      if (part === '') return
      const name = `part${parts.length}`
      parts.push(`function ${name}(){${scratch}${part}return 0}`)
      calls.push(`z=${name}();if(z!==0)${exit === leaveRecord ? 'break rec' : 'return z'};`)
      part = ''
    }
    for (const step of all) {
      part += emit(step.plan, step.path, depth, returnSite)
      if (part.length > maxPart) flush()
    }
    flush()
    return calls.join('')
  }

  const arrays = layout.columns.flatMap((node) =>
    arraysOf(node).map(([prefix, property]) => ({ node, prefix, property })),
  )
  const groupNames = layout.groups.slice(1).flatMap((_, g) => [`n${g + 1}`, `q${g + 1}`, `h${g + 1}`, `x${g + 1}`])
  const loadAll = [
    ...arrays.map(({ node, prefix, property }) => `${prefix}${node.index}=S[${node.index}].${property};`),
    ...layout.groups.slice(1).map((_, g) => `q${g + 1}=set.capacity[${g + 1}];`),
  ].join('')
  const positions = layout.columns.filter((node) => node.storage === 'bytes').map((node) => `j${node.index}`)
  const positionAll = layout.roots.map((node) => position(node, 'r')).join('')
  const names = [...positions, ...arrays.map(({ node, prefix }) => `${prefix}${node.index}`), ...groupNames]

  const body = sequence(steps, 1, leaveRecord)
  const shared = wide
    ? `let s,view,L=0,M=0,e=0,p=0,r=0,z=0,set,S;let ${names.map((name) => `${name}=0`).join(',')};`
    : ''
  const own = wide
    ? ''
    : `let s=s_,view=view_,L=s_.length,M=0,e=0,p=0,r=0,z=0,set=set_,S;${names.length > 0 ? `let ${names.join(',')};` : ''}`
  const lists = layout.groups.length > 1 || skipper.functions() !== ''
  const source = [
    "'use strict';",
    'const {readLong,readInt,readCount,longToDouble,longToFloat,readDecimal,isValidUtf8,parseUuid,copyBytes,ensureBytes,ensureSlots,writeDefault}=runtime;',
    'const X=new Int32Array(2),Q=new Int32Array(2);',
    ...tables.constants.map((_, k) => `const k${k}=constants[${k}];`),
    shared,
    skipper.functions(),
    parts.join('\n'),
    'return function(set_,s_,view_,starts,ends,from,to,report,rowsOut,at){',
    own,
    wide ? 's=s_;view=view_;L=s.length;set=set_;' : '',
    `S=set.columns;r=set.length;${loadAll}${positionAll}${scratch}`,
    'for(let i=from;i<to;i++){rec:{',
    `p=starts[i];e=ends[i];M=e+${wordSlack}<=L?${wordCopyBytes}:0;`,
    `if(p<0){z=${nullId};break rec}if(e-p>${limits.maxBytes}){z=${sizeId};break rec}`,
    lists ? 'Q[0]=0;Q[1]=0;' : '',
    body,
    `if(p!==e){z=${trailingId};break rec}`,
    'if(rowsOut!==undefined)rowsOut[at++]=i;r++;continue}',
    `report(i,z);${positionAll}}`,
    wide ? `s=view=set=S=undefined;${names.map((name) => `${name}=0;`).join('')}` : '',
    'return r}',
  ].join('\n')
  return { source, constants: tables.constants, sites: tables.sites }
}
