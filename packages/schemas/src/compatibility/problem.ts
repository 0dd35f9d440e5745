/** Every way in which data of one schema cannot be read with another. Codes are stable; texts may improve. */
export const compatibilityRules = {
  type_changed: 'values of the writer type cannot be read as the reader type',
  type_narrowed: 'the reader type holds fewer values than the writer type, such as int for long',
  name_changed: 'a record, enum or fixed has another name and the reader has no alias for the old one',
  field_without_default: 'the writer does not write a field, and the reader has no default for it',
  field_unknown: 'the writer writes a field that the reader refuses, because it takes no unknown fields',
  alias_ambiguous: 'the aliases of one reader field name several fields of the writer',
  enum_symbol_unknown: 'the writer may write a symbol that the reader does not have, and it has no default symbol',
  null_not_accepted: 'the writer may write null and the reader takes none',
  union_branch_unreadable: 'the writer may write a branch of a union that the reader cannot take',
  union_without_type: 'the union of the reader has no branch for the type of the writer',
  fixed_size_changed: 'a fixed has another size',
  bytes_not_text: 'bytes need not be UTF-8, so a string cannot take all of them',
  logical_type_changed: 'the logical type differs, such as milliseconds for microseconds',
  logical_type_added: 'the reader demands a uuid or a decimal of values that need not be one',
  decimal_scale_changed: 'a decimal has another scale',
  decimal_digits_reduced: 'a decimal has fewer digits than the writer may use',
  default_invalid: 'the default of a reader field is not a value of its type',
  shape_unsupported: 'the schema has no JSON form here: it is recursive, no record, or has a union of several types',
} as const

export type CompatibilityRule = keyof typeof compatibilityRules

/** One reason why data of a writer schema cannot all be read with a reader schema. */
export interface ReadProblem {
  /** Place in the reader schema: `lines[].price`; empty for the whole. */
  readonly path: string
  readonly rule: CompatibilityRule
  /** What the two sides have there. Made of schema names and types only. */
  readonly message: string
}

/** Problems of one pair of schemas that are told at most; the verdict does not depend on it. */
export const maxProblems = 200
