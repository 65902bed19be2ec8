import type { Hex } from 'viem'

import { tallyHash, taskHash } from '#protocol/eip712.ts'
import { encodeReceipts, segmentHash } from '#protocol/receipts.ts'
import type { Receipt } from '#protocol/types.ts'
import {
  type Conflict,
  type PromisesAnswer,
  parseConflictsAnswer,
  parsePromisesAnswer,
  parseSignedSegment,
  parseWorkPreimage,
  type SignedSegment,
  type WorkPreimage,
} from '#protocol/wire.ts'
import { outputCommitment, workHash } from '#protocol/work.ts'

import type { SeenReceipt, SeenTally } from './facts.ts'

/** Bytes taken of one answer at most. */
const MAX_ANSWER_BYTES = 16_777_216
const TIMEOUT_MS = 10_000
const PAGE = 20

/** Conflicts of a member from number `from` on. */
export async function readConflicts(endpoint: string, from: number, signal: AbortSignal): Promise<Conflict[]> {
  const url = `${endpoint}/v1/conflicts?from=${from}&limit=${PAGE}`
  return parseConflictsAnswer(await getJson(url, signal)).conflicts
}

/** Promises that a worker was given, from number `from` on. */
export async function readPromises(
  endpoint: string,
  from: number,
  signal: AbortSignal,
): Promise<PromisesAnswer['promises']> {
  const url = `${endpoint}/v1/promises?from=${from}&limit=${PAGE}`
  return parsePromisesAnswer(await getJson(url, signal)).promises
}

/** An accepted segment of a member's by its tally hash; null where it has none. */
export async function readSigned(endpoint: string, tallyHash: Hex, signal: AbortSignal): Promise<SignedSegment | null> {
  const url = `${endpoint}/v1/segments/${tallyHash}/signed`
  return await getJson(url, signal).then(parseSignedSegment, () => null)
}

/** What a receipt's work hash was made of, from who did the work; null where it does not say. */
export async function readWork(endpoint: string, hash: Hex, signal: AbortSignal): Promise<WorkPreimage | null> {
  return await getJson(`${endpoint}/v1/work/${hash}`, signal).then(parseWorkPreimage, () => null)
}

async function getJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) })
  if (!response.ok) throw new Error(`${url} answers ${response.status}`)
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.byteLength
    if (length > MAX_ANSWER_BYTES) throw new Error(`${url} answers too much`)
    parts.push(part)
  }
  return JSON.parse(new TextDecoder().decode(Buffer.concat(parts)))
}

/** The tally of a published segment. */
export function tallyOfSegment(shown: SignedSegment): SeenTally & { readonly receipts: readonly Receipt[] } {
  const { dealId, dealKey, stream, first, count, units, worker, signature } = shown
  const receipts = shown.receipts.map((receipt) => ({ units: receipt.units, workHash: receipt.workHash }))
  const tally = { dealKey, stream, first, count, units, segment: segmentHash(encodeReceipts(receipts)) }
  return { tally, hash: tallyHash(tally), dealId, worker, signature, receipts }
}

/** Receipts of a published segment whose work hashes are what they are said to be made of. */
export function receiptsOfSegment(shown: SignedSegment): SeenReceipt[] {
  const { hash: _, ...signed } = tallyOfSegment(shown)
  return shown.receipts.flatMap((receipt, at) => {
    if (receipt.work === undefined) return []
    const { order, outputRoot, plainHash, startedAt, endedAt } = receipt.work
    const work = {
      ...{ taskHash: taskHash({ dealKey: shown.dealKey, ...order }), startedAt, endedAt },
      outputCommitment: outputCommitment(outputRoot, plainHash),
    }
    if (workHash(work) !== receipt.workHash) return []
    return [{ ...signed, index: shown.first + at, work, order }]
  })
}
