import type { SinkBatch } from '../contracts/sink.ts'
import { createDecodeStage } from '../decode/decode-stage.ts'
import type { DecodeStage } from '../decode/decode-stage.ts'
import type { DecodeRequest } from '../decode/request.ts'
import { createInlineFileSetHost } from '../sink/file-set-host.ts'
import type { FileSetOptions } from '../sink/file-set.ts'
import type { IngestWorkerData } from './ingest-workers.ts'
import type { HandlerResult, WorkerHandlers } from './protocol.ts'
import { buffersOf, ownBuffers } from './worker-file-set-host.ts'

/** The operations of an ingest worker: decoding, and the file sets of its partitions. */
export function createIngestHandlers(data: IngestWorkerData): WorkerHandlers {
  const contracts = new Map(data.contracts.map((contract) => [contract.topic, contract]))
  const stages = new Map<string, DecodeStage>()
  const files = createInlineFileSetHost()

  function stageOf(topic: string): DecodeStage {
    let stage = stages.get(topic)
    if (stage === undefined) {
      const contract = contracts.get(topic)
      if (contract === undefined) throw new TypeError(`this worker knows no contract for topic ${topic}`)
      stage = createDecodeStage(contract, data.limits)
      stages.set(topic, stage)
    }
    return stage
  }

  return {
    decode(request: DecodeRequest): HandlerResult {
      const reply = stageOf(request.fetched.partition.topic).decode(request)
      return { value: reply, transfer: reply.kind === 'decoded' ? buffersOf(reply.decoded) : [] }
    },
    async 'files.open'({ laneId, options }: { laneId: string; options: FileSetOptions }): Promise<HandlerResult> {
      await files.open(laneId, options)
      return { value: null }
    },
    async 'files.append'({ laneId, batch }: { laneId: string; batch: SinkBatch }): Promise<HandlerResult> {
      return { value: await files.append(laneId, batch) }
    },
    async 'files.finish'({ laneId, end }: { laneId: string; end: number }): Promise<HandlerResult> {
      const finished = await files.finish(laneId, end)
      return { value: finished, transfer: ownBuffers(finished.files.map((file) => file.bytes)) }
    },
    async 'files.drop'({ laneId }: { laneId: string }): Promise<HandlerResult> {
      await files.drop(laneId)
      return { value: null }
    },
  }
}
