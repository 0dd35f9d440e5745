import type { Transferable } from 'node:worker_threads'
import { transferList } from '@sluice/columnar'
import { createDecodeStage } from '../decode/decode-stage.ts'
import type { DecodeStage } from '../decode/decode-stage.ts'
import type { DecodedBatch } from '../decode/decoded.ts'
import type { DecodeRequest } from '../decode/request.ts'
import type { IngestWorkerData } from './ingest-workers.ts'
import type { HandlerResult, WorkerHandlers } from './protocol.ts'

/** The operations of an ingest worker: `decode`. */
export function createIngestHandlers(data: IngestWorkerData): WorkerHandlers {
  const contracts = new Map(data.contracts.map((contract) => [contract.topic, contract]))
  const stages = new Map<string, DecodeStage>()

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
  }
}

function buffersOf(decoded: DecodedBatch): Transferable[] {
  const buffers = new Set<Transferable>(transferList(decoded.batch))
  for (const { key, value, headers } of decoded.rejects) {
    for (const bytes of [key, value, headers]) if (bytes !== null) buffers.add(bytes.buffer as ArrayBuffer)
  }
  return [...buffers]
}
