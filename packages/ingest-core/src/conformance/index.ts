export { describeObjectStore } from './object-store.ts'
export type { StoreContext, StoreSubject } from './object-store.ts'
export { describeSource } from './source.ts'
export type { SourceBench, SourceContext, SourceSubject } from './source.ts'
