import { transferList } from '@sluice/columnar'
import type { SinkBatch } from '../contracts/sink.ts'
import { createDecodeStage } from '../decode/decode-stage.ts'
import type { DecodeStage } from '../decode/decode-stage.ts'
import type { DecodeReply, DecodeRequest } from '../decode/request.ts'
import { copyColumnBatch } from '../sink/copy-batch.ts'
import { createInlineFileSetHost } from '../sink/file-set-host.ts'
import type { FileSetOptions } from '../sink/file-set.ts'
import type { IngestWorkerData } from './ingest-workers.ts'
import type { HandlerResult, WorkerHandlers } from './protocol.ts'
import { createRowKeeper } from './row-keeper.ts'
import { buffersOf, ownBuffers } from './worker-file-set-host.ts'

interface AppendKept {
  readonly laneId: string
  readonly batch: Omit<SinkBatch, 'resident' | 'batch'>
  readonly key: string
  readonly id: number
}

/** The operations of an ingest worker: decoding, and the file sets of its partitions. */
export function createIngestHandlers(data: IngestWorkerData): WorkerHandlers {
  const contracts = new Map(data.contracts.map((contract) => [contract.topic, contract]))
  const stages = new Map<string, DecodeStage>()
  const files = createInlineFileSetHost()
  const rows = createRowKeeper()

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

  function decodeAndKeep(request: DecodeRequest, key: string): DecodeReply {
    const { reply, release } = stageOf(request.fetched.partition.topic).decodeInPlace(request)
    if (reply.kind !== 'decoded') {
      release()
      return reply
    }
    const { schema, length } = reply.decoded.batch
    const kept = rows.keep(key, { decoded: reply.decoded, release })
    return { kind: 'decoded', decoded: { ...reply.decoded, batch: { schema, length, columns: [] } }, kept }
  }

  return {
    decode(request: DecodeRequest): HandlerResult {
      if (request.keep !== undefined) {
        const reply = decodeAndKeep(request, request.keep)
        return { value: reply, transfer: reply.kind === 'decoded' ? buffersOf(reply.decoded) : [] }
      }
      const reply = stageOf(request.fetched.partition.topic).decode(request)
      return { value: reply, transfer: reply.kind === 'decoded' ? buffersOf(reply.decoded) : [] }
    },
    'rows.take'({ key, id }: { key: string; id: number }): HandlerResult {
      const batch = rows.take(key, id, (decoded) => copyColumnBatch(decoded.batch))
      return { value: batch, transfer: transferList(batch) }
    },
    'rows.release'({ key }: { key: string }): HandlerResult {
      rows.releaseAll(key)
      return { value: null }
    },
    async 'files.appendKept'({ laneId, batch, key, id }: AppendKept): Promise<HandlerResult> {
      const usage = rows.take(key, id, (decoded) => files.append(laneId, { ...batch, batch: decoded.batch }))
      return { value: await usage }
    },
    async 'files.open'({ laneId, options }: { laneId: string; options: FileSetOptions }): Promise<HandlerResult> {
      await files.open(laneId, options)
      return { value: null }
    },
    async 'files.append'({ laneId, batch }: { laneId: string; batch: SinkBatch }): Promise<HandlerResult> {
      return { value: await files.append(laneId, batch) }
    },
    async 'files.seal'({ laneId, end }: { laneId: string; end: number }): Promise<HandlerResult> {
      return { value: await files.seal(laneId, end) }
    },
    async 'files.take'({ laneId }: { laneId: string }): Promise<HandlerResult> {
      const taken = await files.take(laneId)
      return { value: taken, transfer: ownBuffers(taken.map((file) => file.bytes)) }
    },
    async 'files.drop'({ laneId }: { laneId: string }): Promise<HandlerResult> {
      await files.drop(laneId)
      return { value: null }
    },
  }
}
