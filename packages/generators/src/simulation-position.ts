/** Where a run stopped; given to the next run it goes on with the same entities and no event repeated. */
export interface SimulationPosition {
  readonly run: number
  /** Rows taken from the world of each domain. */
  readonly rows: Readonly<Record<string, number>>
  readonly topics: Readonly<
    Record<string, { readonly nextOffsets: readonly number[]; readonly watermarks: readonly (number | null)[] }>
  >
}
