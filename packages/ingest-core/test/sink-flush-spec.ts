import { sinkTestContract, sinkTestNoon, sinkTestPartition } from '../src/conformance/sink-records.ts'
import { layouts } from '../src/layout/layout.ts'
import { fileSinkDefaults } from '../src/sink/file-sink-options.ts'
import { storedColumns } from '../src/sink/file-sink.ts'
import type { FlushSpec } from '../src/sink/flush-spec.ts'

/** A flush of the sink suite's contract, from offset 0. */
export function specOf(more: Partial<FlushSpec> = {}): FlushSpec {
  return {
    partition: sinkTestPartition,
    start: 0,
    contract: sinkTestContract.name,
    table: sinkTestContract.table,
    columns: storedColumns(sinkTestContract),
    eventTime: sinkTestContract.eventTime,
    eventTimeUnit: sinkTestContract.eventTimeUnit,
    latenessMs: sinkTestContract.latenessMs,
    partitionBy: sinkTestContract.partitionBy,
    prefix: '',
    patterns: layouts.lake,
    file: { format: 'jsonl' },
    encoderId: 'test',
    deadEncoderId: 'test',
    timeRange: fileSinkDefaults.timeRange,
    ingestedAt: sinkTestNoon + 5,
    watermark: null,
    pipeline: 'bakery',
    pipelineVersion: '1.2.3',
    ...more,
  }
}
