import { Reader, Writer } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { createSharedMemory, encodeRecordBatch, splitRecordBatches } from '@sluice/ingest-core'
import { partitionOfKey } from '../src/index.ts'
import { murmur2 } from '../src/producer/murmur2.ts'
import { offsetsIn, stampBatch } from '../src/producer/stamp.ts'
import { encodeFetch, parseFetch } from '../src/wire/fetch.ts'
import { parseProduce } from '../src/wire/produce.ts'
import { wholeBatches } from '../src/wire/whole-batches.ts'
import { batchOf } from './admin.ts'

const id = '01234567-89ab-cdef-0123-456789abcdef'
const hex = (writer: Writer): string => writer.buffer.toString('hex')

describe('Fetch', () => {
  const request = {
    maxWaitMs: 100,
    maxBytes: 1000,
    readCommitted: true,
    topics: [
      { name: 't', id, partitions: [{ partition: 2, leaderEpoch: -1, offset: 77, lastEpoch: 5, maxBytes: 500 }] },
    ],
  }

  it('is encoded as the protocol guide has it, version 4 (by name)', () => {
    const expected =
      'ffffffff' +
      '00000064' +
      '00000001' +
      '000003e8' +
      '01' +
      '00000001' +
      '000174' +
      '00000001' +
      '00000002' +
      '000000000000004d' +
      '000001f4'
    expect(hex(encodeFetch(request, 4))).toBe(expected)
  })

  it('is encoded as the protocol guide has it, version 11 (epoch, log start, session, rack)', () => {
    const expected =
      'ffffffff' +
      '00000064' +
      '00000001' +
      '000003e8' +
      '01' +
      '00000000' +
      'ffffffff' +
      '00000001' +
      '000174' +
      '00000001' +
      '00000002' +
      'ffffffff' +
      '000000000000004d' +
      'ffffffffffffffff' +
      '000001f4' +
      '00000000' +
      '0000'
    expect(hex(encodeFetch(request, 11))).toBe(expected)
  })

  it('is encoded as the protocol guide has it, version 13 (by id, flexible)', () => {
    const expected =
      'ffffffff' +
      '00000064' +
      '00000001' +
      '000003e8' +
      '01' +
      '00000000' +
      'ffffffff' +
      '02' +
      id.replaceAll('-', '') +
      '02' +
      '00000002' +
      'ffffffff' +
      '000000000000004d' +
      '00000005' +
      'ffffffffffffffff' +
      '000001f4' +
      '00' +
      '00' +
      '01' +
      '01' +
      '00'
    expect(hex(encodeFetch(request, 13))).toBe(expected)
  })

  /** A reply in pieces of `size` bytes, as sockets deliver it. */
  const inPieces = (bytes: Buffer, size: number): Reader => {
    const pieces = Writer.create()
    for (let at = 0; at < bytes.length; at += size) pieces.append(bytes.subarray(at, at + size))
    return new Reader(pieces.dynamicBuffer)
  }

  it('is parsed: records in one array, aborted transactions, divergence in a tag', () => {
    const batch = Buffer.from(batchOf(['a', 'b'], { baseOffset: 77, leaderEpoch: 6 }))
    const reply = Writer.create().appendInt32(0).appendInt16(0).appendInt32(0)
    reply.appendUnsignedVarInt(2).appendUUID(id).appendUnsignedVarInt(2)
    reply.appendInt32(2).appendInt16(0).appendInt64(90n).appendInt64(88n).appendInt64(3n)
    reply.appendUnsignedVarInt(2).appendInt64(4000n).appendInt64(70n).appendTaggedFields()
    reply
      .appendInt32(-1)
      .appendUnsignedVarInt(batch.length + 1)
      .append(batch)
    // Tags: one unknown, then the divergence, then the end of the topic and of the reply.
    reply.appendUnsignedVarInt(2).appendUnsignedVarInt(9).appendUnsignedVarInt(2).appendInt16(0)
    reply.appendUnsignedVarInt(0).appendUnsignedVarInt(12).appendInt32(4).appendInt64(50n)
    reply.appendTaggedFields().appendTaggedFields()
    for (const size of [7, 64, 10_000]) {
      const parsed = parseFetch(inPieces(reply.buffer, size), 13, createSharedMemory())
      expect(parsed).toEqual({
        errorCode: 0,
        byId: true,
        partitions: [
          {
            topic: id,
            partition: 2,
            errorCode: 0,
            highWatermark: 90,
            lastStable: 88,
            logStart: 3,
            aborted: [{ producerId: 4000, firstOffset: 70 }],
            records: new Uint8Array(batch),
            diverging: { epoch: 4, endOffset: 50 },
          },
        ],
      })
      expect(parsed.partitions[0]!.records.buffer).toBeInstanceOf(SharedArrayBuffer)
    }
  })

  it('is parsed, version 4: no session, null list of aborted transactions, an error', () => {
    const reply = Writer.create().appendInt32(0).appendInt32(1).appendString('t', false).appendInt32(1)
    reply.appendInt32(0).appendInt16(1).appendInt64(-1n).appendInt64(-1n).appendInt32(-1).appendInt32(-1)
    expect(parseFetch(inPieces(reply.buffer, 1000), 4, createSharedMemory()).partitions[0]).toMatchObject({
      topic: 't',
      errorCode: 1,
      aborted: [],
      records: new Uint8Array(0),
      logStart: -1,
    })
  })
})

describe('Produce', () => {
  it('is parsed with and without record errors', () => {
    const old = Writer.create().appendInt32(1).appendString('t', false).appendInt32(1)
    old.appendInt32(3).appendInt16(10).appendInt64(-1n).appendInt64(-1n).appendInt64(0n).appendInt32(0)
    expect(parseProduce(new Reader(old.dynamicBuffer), 7)).toEqual({ errorCode: 10, baseOffset: -1, message: '' })
    const now = Writer.create().appendUnsignedVarInt(2).appendString('t').appendUnsignedVarInt(2)
    now.appendInt32(3).appendInt16(0).appendInt64(42n).appendInt64(-1n).appendInt64(0n)
    now.appendUnsignedVarInt(2).appendInt32(0).appendString(null).appendTaggedFields()
    now.appendString('why').appendTaggedFields().appendTaggedFields().appendInt32(0).appendTaggedFields()
    expect(parseProduce(new Reader(now.dynamicBuffer), 11)).toEqual({ errorCode: 0, baseOffset: 42, message: 'why' })
  })
})

describe('whole batches', () => {
  const first = batchOf(['a', 'b', 'c'], { baseOffset: 10, leaderEpoch: 2 })
  const second = batchOf(['d'], { baseOffset: 20, lastOffset: 24, leaderEpoch: 3 })
  const both = new Uint8Array([...first, ...second])

  it('end before what is cut off, wherever the cut is', () => {
    for (let cut = 0; cut <= both.length; cut++) {
      const found = wholeBatches(both.slice(0, cut))
      if (cut < 12) expect(found).toEqual({ length: 0, nextOffset: null, leaderEpoch: -1, wanted: 0 })
      else if (cut < first.length) expect(found).toMatchObject({ length: 0, nextOffset: null, wanted: first.length })
      else if (cut < both.length)
        expect(found).toEqual({ length: first.length, nextOffset: 13, leaderEpoch: 2, wanted: 0 })
      else expect(found).toEqual({ length: both.length, nextOffset: 25, leaderEpoch: 3, wanted: 0 })
    }
  })

  it('end before what is no batch', () => {
    const zeros = new Uint8Array(100)
    expect(wholeBatches(zeros)).toEqual({ length: 0, nextOffset: null, leaderEpoch: -1, wanted: 0 })
    expect(wholeBatches(new Uint8Array([...first, ...zeros]))).toMatchObject({ length: first.length, nextOffset: 13 })
  })
})

describe('stamping', () => {
  it('makes a batch that a broker takes: producer, epoch, sequence, CRC', () => {
    for (const codec of ['none', 'zstd'] as const) {
      const batch = encodeRecordBatch({
        baseOffset: 5,
        codec,
        records: ['a', 'b'].map((value) => ({ key: null, value: Buffer.from(value), timestamp: 1 })),
      })
      stampBatch(batch, { producerId: 0x1_0000_0001n, producerEpoch: 3, baseSequence: 9 })
      const view = new DataView(batch.buffer, batch.byteOffset)
      expect([view.getBigInt64(43), view.getInt16(51), view.getInt32(53)]).toEqual([0x1_0000_0001n, 3, 9])
      expect(offsetsIn(batch)).toBe(2)
      // Splitting checks the CRC.
      expect(splitRecordBatches(batch, { maxInflatedBytes: 1000 }).slab.length).toBe(2)
    }
  })
})

describe('partition of a key', () => {
  // Vectors of org.apache.kafka.common.utils.UtilsTest.testMurmur2.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('%s', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash)
    expect(partitionOfKey(Buffer.from(text), 7)).toBe((hash & 0x7fffffff) % 7)
  })
})
