import { setTimeout as sleep } from 'node:timers/promises'

/** Cuts chunks so that they pass at about this rate; ten pieces a second. Without a rate they pass as they are. */
export async function* paced(
  chunks: AsyncIterable<Buffer>,
  bytesPerSecond: number | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of chunks) {
    if (bytesPerSecond === undefined) {
      yield chunk
      continue
    }
    const piece = Math.max(1, Math.floor(bytesPerSecond / 10))
    for (let at = 0; at < chunk.length; at += piece) {
      await sleep(100)
      yield chunk.subarray(at, at + piece)
    }
  }
}
