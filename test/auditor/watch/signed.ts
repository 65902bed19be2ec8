/**
 * Tallies and receipts as a watcher sees them, signed by a worker that may not be honest.
 *
 * @module
 */
import { keccak256, stringToHex } from 'viem'

import type { SeenReceipt, SeenTally, WatchedDeal } from '#auditor/watch/facts.ts'
import { tallyDigest, tallyHash, taskHash } from '#protocol/eip712.ts'
import { encodeReceipts, segmentHash, totalUnits } from '#protocol/receipts.ts'
import { signCompact } from '#protocol/signature.ts'
import type { Receipt } from '#protocol/types.ts'
import { workHash } from '#protocol/work.ts'

export const dealKey = keccak256(stringToHex('deal'))
const domain = { chainId: 31_337, verifyingContract: '0x00000000000000000000000000000000000000aa' } as const
const key = keccak256(stringToHex('worker'))
const hashOf = (text: string) => keccak256(stringToHex(text))

/** A deal of one stream: price 10, 3,600 units an hour, opened at second 1,000 for two hours. */
export const deal: WatchedDeal = {
  ...{ id: 7, key: dealKey, buyer: `0x${'b1'.repeat(20)}`, provider: 1, nonce: 0n, streams: 1 },
  ...{ openedAt: 1_000, end: 8_200 },
  offer: {
    ...{ provider: `0x${'a1'.repeat(20)}`, nonce: 0n, salt: hashOf('salt'), program: hashOf('program'), kind: 2 },
    ...{ unit: hashOf('unit'), price: 10n, rateCap: 3_600, minBudget: 1_000n, maxBudget: 9_000n, total: 9_000n },
    ...{ buyer: `0x${'00'.repeat(20)}`, openingFee: 0n, maxDuration: 7_200, expiry: 9_000, mode: 0, maxStreams: 62 },
    ...{ minExposure: 0, arbiter: `0x${'00'.repeat(20)}`, panel: false },
  },
}

/** A receipt of work that nobody can look into. */
export const receipt = (text: string, units = 10n): Receipt => ({ units, workHash: hashOf(text) })

/** A signed tally behind `before` units. */
export function tallyOf(
  receipts: readonly Receipt[],
  place: { first?: number; before?: bigint; dealId?: number; stream?: number } = {},
): SeenTally & { receipts: readonly Receipt[] } {
  const { first = 0, before = 0n, dealId = 7, stream = 0 } = place
  const tally = {
    ...{ dealKey, stream, first, count: first + receipts.length, units: before + totalUnits(receipts) },
    segment: segmentHash(encodeReceipts(receipts)),
  }
  const signature = signCompact(tallyDigest(tally, domain), key)
  return { tally, hash: tallyHash(tally), dealId, worker: 512, signature, receipts }
}

/** A receipt with its preimage, alone in its tally. */
export function workOf(
  task: number,
  options: { result?: string; units?: bigint; maxUnits?: bigint; first?: number; from?: number; to?: number } = {},
): SeenReceipt {
  const { result = 'result', units = 10n, maxUnits = 10n, first = 0, from = 100, to = 100 } = options
  const order = { index: BigInt(task), inputRoot: hashOf(`input ${task}`), maxUnits }
  const work = {
    ...{ taskHash: taskHash({ dealKey, ...order }), outputCommitment: hashOf(result), startedAt: from, endedAt: to },
  }
  const { hash: _, ...signed } = tallyOf([{ units, workHash: workHash(work) }], { first })
  return { ...signed, index: first, work, order }
}
