/**
 * What a worker makes of an order: honest receipts, signed segments, and lies told with the same key.
 *
 * @module
 */
import type { Hex } from 'viem'

import { Claim } from '#protocol/attestation.ts'
import { encodeBatch } from '#protocol/batch.ts'
import { tallyDigest, tallyHash, taskHash } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { encodeReceipts, segmentHash, totalUnits } from '#protocol/receipts.ts'
import { signCompact } from '#protocol/signature.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { type OrderMessage, type SegmentMessage, type SegmentReceipt, segmentToGroup } from '#protocol/wire.ts'
import { encodeResult, outputCommitment, plainHash, workHash } from '#protocol/work.ts'
import type { Execution } from '#runtime/executor.ts'
import type { Cluster } from './cluster.ts'
import { program, type Task } from './cluster-work.ts'
import type { DealHand } from './scenario.ts'

/** One finished task and the output it is about. */
export type Done = { readonly receipt: SegmentReceipt; readonly output: Uint8Array }

/** How a receipt departs from the truth. */
export type Lie = {
  /** Changes the result's bytes, status byte first. */
  readonly output?: (honest: Uint8Array) => Uint8Array
  readonly units?: (honest: bigint) => bigint
}

/** Runs a program. */
export type Execute = (job: { program: Uint8Array; input: Uint8Array; maxUnits: bigint }) => Promise<Execution>

/** Does a task and writes its receipt, with a lie if one is given. */
export async function doTask(execute: Execute, order: OrderMessage, task: Task, lie: Lie = {}): Promise<Done> {
  const { status, output: bytes, units } = await execute({ ...task, program: program() })
  const honest = encodeResult(status, bytes)
  const output = lie.output?.(honest) ?? honest
  const { dealKey, ...signed } = order
  const [outputRoot, hash] = [dataRoot(output), plainHash(output)]
  const endedAt = Math.floor(Date.now() / 1000)
  const times = { startedAt: endedAt, endedAt }
  const commitment = outputCommitment(outputRoot, hash)
  const receipt = {
    units: lie.units?.(units) ?? units,
    workHash: workHash({ taskHash: taskHash({ dealKey, ...signed }), outputCommitment: commitment, ...times }),
    ...{ order: signed, outputRoot, plainHash: hash, ...times },
  }
  return { receipt, output }
}

/** Signs finished tasks as the next segment of a stream, as the deal's first worker. */
export function signSegment(
  { scenario }: Pick<Cluster, 'scenario'>,
  deal: DealHand,
  stream: number,
  done: readonly Done[],
  before: SegmentMessage | null = null,
): SegmentMessage {
  const [worker] = deal.provider.workers
  if (worker === undefined) throw new Error('the provider has no worker')
  const receipts = done.map(({ receipt }) => receipt)
  const first = before?.count ?? 0
  const range = { first, count: first + receipts.length, units: (before?.units ?? 0n) + totalUnits(receipts) }
  const tally = { dealKey: deal.key, stream, ...range, segment: segmentHash(encodeReceipts(receipts)) }
  const signature = signCompact(tallyDigest(tally, scenario.domain), worker.actor.key)
  return { dealId: deal.id, dealKey: deal.key, stream, ...range, worker: worker.index, signature, receipts }
}

/** Name under which members know a segment. */
export function nameOf(segment: SegmentMessage): Hex {
  const { dealKey, stream, first, count, units, receipts } = segment
  return tallyHash({ dealKey, stream, first, count, units, segment: segmentHash(encodeReceipts(receipts)) })
}

/** A proposal to attest one segment, as a member would make it that vouches for anything. */
export function proposalOf(segment: SegmentMessage) {
  const batch = encodeBatch({ mode: Mode.Calldata, lane: Lane.Attested, groups: [segmentToGroup(segment)] })
  return { batch, claims: Claim.Tallies | Claim.ReExecuted | Claim.Retrievable }
}
