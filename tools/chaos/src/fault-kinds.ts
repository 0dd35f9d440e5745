/** Where a fault strikes. `local` ones need a store on the local disk, `s3` ones the proxy in front of MinIO. */
export type FaultPlace = 'worker' | 'kafka' | 's3' | 'registry' | 'local'

/**
 * Every kind of fault, with what happens and the rows of the fault matrix (docs/reliability.md) that it stands for. The order
 * is that of the table in the README.
 */
export const faultKinds = {
  kill: { place: 'worker', faults: [1, 2], text: 'SIGKILL at any moment; started again' },
  'kill-at-point': {
    place: 'worker',
    faults: [3, 5, 6, 7, 8],
    text: 'SIGKILL at a named point of the commit; started again',
  },
  zombie: { place: 'worker', faults: [18, 19], text: 'SIGSTOP for longer than the session, then SIGCONT' },
  'zombie-at-point': {
    place: 'worker',
    faults: [18, 19],
    text: 'SIGSTOP at a named point of the commit for longer than the session, then SIGCONT',
  },
  'scale-out': { place: 'worker', faults: [16, 17], text: 'one more worker joins' },
  'scale-in': { place: 'worker', faults: [17, 74], text: 'a worker is asked to end (SIGTERM)' },
  'clock-jump': {
    place: 'worker',
    faults: [78],
    text: 'a worker whose clock is off by hours, and jumps back and forth',
  },
  'broker-restart': { place: 'kafka', faults: [13, 15], text: 'the broker ends politely and is started again' },
  'broker-crash': { place: 'kafka', faults: [13, 15], text: 'SIGKILL to the broker; started again' },
  'broker-hang': { place: 'kafka', faults: [14], text: 'SIGSTOP to the broker, later SIGCONT' },
  'kafka-reset': { place: 'kafka', faults: [8, 13], text: 'all connections to the broker are reset, again and again' },
  'kafka-slow': { place: 'kafka', faults: [14], text: 'each piece of each connection waits' },
  'kafka-half-open': { place: 'kafka', faults: [14, 18], text: 'what workers say does not arrive' },
  'kafka-lost-replies': { place: 'kafka', faults: [8], text: 'what the broker answers does not arrive; then resets' },
  'store-errors': { place: 's3', faults: [45], text: 'a third of the requests is answered with 503 or 500' },
  'store-slow': { place: 's3', faults: [46], text: 'half of the requests wait' },
  'store-trickle': { place: 's3', faults: [46], text: 'uploads pass at a trickle' },
  'store-hang': { place: 's3', faults: [46], text: 'a fifth of the requests is never answered' },
  'store-lost-replies': { place: 's3', faults: [47, 48], text: 'the store does it, the reply is lost' },
  'store-cut-replies': { place: 's3', faults: [50], text: 'replies end in the middle' },
  'store-spoiled-uploads': { place: 's3', faults: [50], text: 'a byte of an upload changes on the way' },
  'slow-upload-rebalance': { place: 's3', faults: [16], text: 'a worker joins while uploads wait' },
  'registry-outage': {
    place: 'registry',
    faults: [39, 40],
    text: 'the registry is down, and a worker starts without its memory',
  },
  'registry-garbage': {
    place: 'registry',
    faults: [42],
    text: 'the registry answers 500, 429, HTML, or late, and a worker starts without its memory',
  },
  'disk-full': { place: 'local', faults: [75], text: 'writes end with ENOSPC, some of them half done' },
} as const satisfies Record<
  string,
  { readonly place: FaultPlace; readonly faults: readonly number[]; readonly text: string }
>

export type FaultKind = keyof typeof faultKinds

export const faultKindNames = Object.freeze(Object.keys(faultKinds)) as readonly FaultKind[]
