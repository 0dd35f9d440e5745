/** One row of an error table. The text of an error may improve; its code and this row are stable. */
export interface ErrorRow {
  /**
   * What happened to the data: `none` when nothing was being written, `not-written` when nothing became visible,
   * `unknown` when the reply was lost: never clean up on it, look first.
   */
  readonly outcome: 'none' | 'not-written' | 'unknown'
  /** `later`: the same call may succeed. `after-head`: look what is there before deciding. `never`: something must change. */
  readonly retry: 'never' | 'later' | 'after-head'
}
