import { setTimeout as sleep } from 'node:timers/promises'
import { Admin } from '@platformatic/kafka'
import type { ProgressSample } from './auditor.ts'
import { readProgress } from './chain-reading.ts'
import type { LakeView } from './lake-view.ts'
import { partitions } from './schedule.ts'

/** Looks at the progress of a run, several times a second. */
export interface Watch {
  readonly samples: readonly ProgressSample[]
  /** One more look, now. */
  look(): Promise<ProgressSample>
  stop(): Promise<void>
}

export function watchProgress(options: {
  readonly view: LakeView
  readonly brokers: readonly string[]
  readonly groupId: string
}): Watch {
  const { view, groupId } = options
  const samples: ProgressSample[] = []
  const admin = new Admin({
    clientId: 'chaos-watch',
    bootstrapBrokers: [...options.brokers],
    retries: 0,
    timeout: 1500,
  })
  let stopped = false
  let asked: Promise<number[] | undefined> | undefined

  /** The group's offsets; undefined while the broker does not answer. */
  async function committed(): Promise<number[] | undefined> {
    try {
      const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
      const found = Array.from({ length: partitions }, () => 0)
      for (const topic of group?.topics ?? []) {
        for (const { partitionIndex, committedOffset } of topic.partitions)
          found[partitionIndex] = Math.max(0, Number(committedOffset))
      }
      return found
    } catch {
      return undefined
    } finally {
      asked = undefined
    }
  }

  let turn: Promise<unknown> = Promise.resolve()
  function look(): Promise<ProgressSample> {
    const mine = turn.then(async () => {
      asked ??= committed()
      const offsets = await Promise.race([asked, sleep(500, undefined)])
      const next = await readProgress(view, await view.objects(), partitions)
      const sample = { next, ...(offsets !== undefined && { committed: offsets }) }
      samples.push(sample)
      return sample
    })
    turn = mine.catch(() => undefined) // whoever asked gets the error
    return mine
  }

  const looking = (async () => {
    while (!stopped) {
      await look()
      await sleep(300)
    }
  })()
  // Told by stop().
  looking.catch(() => undefined)
  return {
    samples,
    look,
    async stop() {
      stopped = true
      await looking.finally(() => admin.close())
    },
  }
}
