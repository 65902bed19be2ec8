/**
 * Facts under which a segment is good, for tests that spoil one of them.
 *
 * @module
 */
import { zeroAddress } from 'viem'

import type { SegmentFacts } from '#oracle/domain/facts.ts'
import { type Segment, tallyOf } from '#oracle/domain/segment.ts'
import { suffixUnits } from '#oracle/services/judge.ts'
import { accountOf } from './chain.ts'
import { type Place, receiptOf, segmentOf } from './work.ts'

/** Deal 7 of a deployment that does not exist. */
export const place: Place = {
  domain: { chainId: 31_337, verifyingContract: '0x00000000000000000000000000000000000000aa' },
  dealId: 7,
  dealKey: `0x${'de'.repeat(32)}`,
  worker: 512,
}

/** Receipts of tasks 0, 2, 4 … on stream 0 of two. */
export function goodSegment(receipts = 3): Segment {
  return segmentOf(
    place,
    0,
    Array.from({ length: receipts }, (_, i) => receiptOf(place, i * 2)),
  )
}

/** Facts that let `segment` pass every check. */
export function factsOf(segment: Segment, changes: Partial<SegmentFacts> = {}): SegmentFacts {
  const stream = changes.stream ?? { count: 0, units: 0n, acknowledged: 0n }
  return {
    segment,
    tally: tallyOf(segment),
    signature: segment.signature,
    domain: place.domain,
    deal: {
      key: place.dealKey,
      buyer: accountOf('buyer').address,
      provider: 1,
      price: 10n,
      rateCap: 3_600_000,
      openedAt: 1_000,
      end: 100_000,
      budget: 1_000_000n,
      remaining: 1_000_000n,
      allowance: 100_000n,
      streams: 2,
      kind: 1,
      mode: 0,
      state: 1,
      place: 0,
      closedAt: 0,
      orderKey: accountOf('order').address,
      ackKey: zeroAddress,
    },
    stream,
    worker: { provider: 1, key: accountOf('worker').address, revokedFrom: 0 },
    room: 1_000_000n,
    clock: 2_000,
    closingPeriod: 7_200,
    suffixUnits: suffixUnits(segment, stream.count),
    acknowledged: false,
    known: [],
    signed: changes.known ?? [],
    fresh: segment.receipts.map((_, index) => index),
    billed: new Set(),
    vouched: new Set(),
    held: new Set(segment.receipts.flatMap(({ order, outputRoot }) => [order.inputRoot, outputRoot])),
    now: Math.floor(Date.now() / 1000),
    ...changes,
  }
}
