/**
 * Work that somebody may look behind: orders with signatures, outputs, and receipts made of them.
 *
 * @module
 */
import type { Hex } from 'viem'

import { type Shown, Source, shownSettled, shownSigned } from '#protocol/courts.ts'
import { orderDigest, taskHash } from '#protocol/eip712.ts'
import { encodeFacts, factsRoot } from '#protocol/facts.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { placeInBatch, placeInStream, type RecordLink, type RingLink } from '#protocol/openings.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Lane, Mode, type Order, type Receipt } from '#protocol/types.ts'
import { outputCommitment, plainHash, workHash } from '#protocol/work.ts'

import type { Signer } from './actors.ts'
import { type Market, type OpenDeal, orderKey } from './market.ts'
import { settle } from './settling.ts'
import type { SignedGroup, StreamLog } from './work.ts'

/** One task with everything that was made of it. */
export type Task = {
  readonly order: Order
  readonly signature: Hex
  readonly input: Uint8Array
  readonly output: Uint8Array
  /** What the receipt's work hash was made of. */
  readonly work: { taskHash: Hex; outputRoot: Hex; plainHash: Hex; startedAt: bigint; endedAt: bigint }
  readonly receipt: Receipt
}

/** What a task may differ in. */
export type TaskOptions = {
  signer?: Signer
  units?: bigint
  maxUnits?: bigint
  output?: Uint8Array
  input?: Uint8Array
}

/** Content of that many bytes. */
export const contentOf = (size: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed) % 251)

/** Task `index` of a deal, done. */
export function taskOf(market: Market, deal: OpenDeal, index: number, options: TaskOptions = {}): Task {
  const { signer = orderKey, units = 100n, maxUnits = 1000n } = options
  const { output = contentOf(9000, index), input = contentOf(5000, index + 7) } = options
  const order = { dealKey: deal.key, index: BigInt(index), inputRoot: dataRoot(input), maxUnits }
  const work = {
    taskHash: taskHash(order),
    outputRoot: dataRoot(output),
    plainHash: plainHash(output),
    startedAt: 1_000n + BigInt(index),
    endedAt: 2_000n + BigInt(index),
  }
  const hash = workHash({ ...work, outputCommitment: outputCommitment(work.outputRoot, work.plainHash) })
  return {
    ...{ order, input, output, work },
    signature: signer.sign(orderDigest(order, market.domain)),
    receipt: { units, workHash: hash },
  }
}

/** Settles streams' work and shows its receipts to courts; every attested batch of the chain must go through here. */
export function createShowing(market: Market) {
  const ring: RingLink[] = []
  const recorded = new Map<StreamLog, RecordLink[]>()
  const bytesOf = (group: SignedGroup) => encodeReceipts(group.receipts)

  async function settled(lane: number, group: SignedGroup) {
    const result = await settle(market, lane, [group])
    const [facts] = result.records
    if (facts === undefined || facts.outcome > 1) throw new Error(`the group did not move: ${result.outcomes}`)
    return { ...result, record: encodeFacts([facts]) }
  }

  async function recordedShown(lane: number, stream: StreamLog, group: SignedGroup, index: number): Promise<Shown> {
    const { record, clock } = await settled(lane, group)
    const links = [...(recorded.get(stream) ?? []), { groupHash: group.leaf, record, time: clock }]
    recorded.set(stream, links)
    const place = placeInStream(group.dealId, group.tally, { links, position: links.length - 1 })
    return shownSettled(Source.Stream, place, bytesOf(group), index)
  }

  return {
    /** Settles what is done since receipt `first` in a batch that members attest; shows receipt `index`. */
    async attested(stream: StreamLog, index: number, first = 0): Promise<Shown> {
      const group = stream.group(first)
      const { facts, root, clock } = await settled(Lane.Attested, group)
      const interval = ring.filter(({ time }) => Math.floor(time / 900) === Math.floor(clock / 900))
      const links = [...interval, { root, factsRoot: factsRoot(facts), time: clock }]
      ring.push(...links.slice(-1))
      const batch = { mode: Mode.Calldata, groupHashes: [group.leaf], facts } as const
      const place = placeInBatch(batch, group.tally, 0, { links, position: links.length - 1 })
      return shownSettled(Source.Batch, place, bytesOf(group), index)
    },
    /** The same, forced by the provider. */
    forced: async (stream: StreamLog, index: number, first = 0) =>
      await recordedShown(Lane.Forced, stream, stream.group(first), index),
    /** The same, with the buyer's word. */
    acknowledged: async (stream: StreamLog, key: Signer, index: number, first = 0) =>
      await recordedShown(Lane.Acknowledged, stream, stream.acknowledged(key, first), index),
    /** Shows receipt `index` by the worker's signature alone. */
    signed(stream: StreamLog, index: number, first = 0): Shown {
      const group = stream.group(first)
      return shownSigned(group.tally, group.worker, group.signature, bytesOf(group), index)
    },
  }
}
