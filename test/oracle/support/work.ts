/**
 * Work as a buyer orders it and a worker delivers it, good unless a test spoils it.
 *
 * @module
 */
import type { Address, Hex } from 'viem'
import wabt from 'wabt'

import type { Segment } from '#oracle/domain/segment.ts'
import { acknowledgementDigest, orderDigest, tallyDigest, taskHash } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { encodeReceipts, segmentHash, totalUnits } from '#protocol/receipts.ts'
import { signCompact } from '#protocol/signature.ts'
import { Kind } from '#protocol/types.ts'
import type { OrderMessage, SegmentMessage, SegmentReceipt } from '#protocol/wire.ts'
import { encodeResult, outputCommitment, plainHash, workHash } from '#protocol/work.ts'
import { createExecutor } from '#runtime/executor.ts'
import { createTaskDoer } from '#runtime/tasks.ts'
import { BACKWARDS } from '../../support/provable-programs.ts'
import { keyOf } from './chain.ts'

/** Which deployment, deal and worker work is for. */
export type Place = {
  readonly domain: { readonly chainId: number; readonly verifyingContract: Address }
  readonly dealId: number
  readonly dealKey: Hex
  readonly worker: number
}

/** A program that answers with its input; one unit for anything short. */
export async function echoProgram(): Promise<Uint8Array> {
  const { parseWat } = await wabt()
  const module = parseWat(
    'echo.wat',
    `(module
      (import "tally" "input_length" (func $length (result i32)))
      (import "tally" "input_read" (func $read (param i32 i32 i32)))
      (import "tally" "output_write" (func $write (param i32 i32)))
      (memory (export "memory") 1)
      (func (export "run")
        (call $read (i32.const 0) (i32.const 0) (call $length))
        (call $write (i32.const 0) (call $length))))`,
  )
  return module.toBinary({}).buffer
}

/** Input of task `index`. */
export function inputOf(index: number | bigint): Uint8Array {
  return new TextEncoder().encode(`input ${index}`)
}

/** What the echo program makes of an input. */
export function outputOf(index: number | bigint): Uint8Array {
  return encodeResult(0, inputOf(index))
}

/** A signed order. */
export function orderOf(place: Pick<Place, 'domain' | 'dealKey'>, index: number | bigint, maxUnits = 5n): OrderMessage {
  const order = { dealKey: place.dealKey, index: BigInt(index), inputRoot: dataRoot(inputOf(index)), maxUnits }
  return { ...order, signature: signCompact(orderDigest(order, place.domain), keyOf('order')) }
}

/** When receipts end unless told: one second for all, so that making one twice makes the same one. */
const LOADED_AT = Math.floor(Date.now() / 1000)

/** Receipt of task `index`; `spoil` changes what it is made of before it is hashed. */
export function receiptOf(
  place: Place,
  index: number | bigint,
  spoil: {
    output?: Uint8Array
    made?: Pick<SegmentReceipt, 'outputRoot' | 'plainHash'>
    units?: bigint
    startedAt?: number
    endedAt?: number
    order?: Partial<OrderMessage>
  } = {},
): SegmentReceipt {
  const { dealKey, ...signed } = { ...orderOf(place, index), ...spoil.order }
  const output = spoil.output ?? outputOf(index)
  const made = spoil.made ?? { outputRoot: dataRoot(output), plainHash: plainHash(output) }
  const endedAt = spoil.endedAt ?? LOADED_AT
  const startedAt = spoil.startedAt ?? endedAt
  const hash = workHash({
    taskHash: taskHash({ dealKey, ...signed }),
    outputCommitment: outputCommitment(made.outputRoot, made.plainHash),
    startedAt,
    endedAt,
  })
  return {
    units: spoil.units ?? 1n,
    workHash: hash,
    order: signed,
    ...made,
    startedAt,
    endedAt,
  }
}

/** Receipt of task `index` of the provable program that answers backwards. */
export async function provableReceiptOf(place: Place, index: number): Promise<SegmentReceipt> {
  const { execute, executeProvable, close } = createExecutor()
  const task = { kind: Kind.Provable, program: BACKWARDS, input: inputOf(index), maxUnits: 5n }
  const { outputRoot, plainHash: hash, units } = await createTaskDoer({ execute, executeProvable })(task)
  await close()
  return receiptOf(place, index, { units, made: { outputRoot, plainHash: hash } })
}

/** Signs receipts as a segment that starts after `first` receipts of `before` units. */
export function segmentOf(
  place: Place,
  stream: number,
  receipts: readonly SegmentReceipt[],
  start: { readonly first?: number; readonly before?: bigint; readonly key?: Hex; readonly units?: bigint } = {},
): SegmentMessage {
  const first = start.first ?? 0
  const units = start.units ?? (start.before ?? 0n) + totalUnits(receipts)
  const { dealId, dealKey, worker, domain } = place
  const count = first + receipts.length
  const tally = { dealKey, stream, first, count, units, segment: segmentHash(encodeReceipts(receipts)) }
  const signature = signCompact(tallyDigest(tally, domain), start.key ?? keyOf('worker'))
  return { dealId, dealKey, stream, first, count, units, worker, signature, receipts: [...receipts] }
}

/** The buyer's acknowledgement of a segment. */
export function acknowledgementOf(place: Place, segment: Segment) {
  const { dealKey, stream, count, units } = segment
  const message = { dealKey, stream, count, units, segment: segmentHash(encodeReceipts(segment.receipts)) }
  return { ...message, signature: signCompact(acknowledgementDigest(message, place.domain), keyOf('ack')) }
}
