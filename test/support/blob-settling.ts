/**
 * Settles batches, in blobs or in calldata, and keeps what is needed to open them afterwards.
 *
 * @module
 */
import { encodeFunctionData, type Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { encodeBatch } from '#protocol/batch.ts'
import { batchRoot, type RootedBatch, type RootedBlob } from '#protocol/batch-root.ts'
import { type PackedBatch, packBlobBatch } from '#protocol/blob-batch.ts'
import { decodeFacts, factsRoot, type GroupFacts } from '#protocol/facts.ts'
import { placeInBatch, type RingLink } from '#protocol/openings.ts'
import { Lane, Mode, type Tally } from '#protocol/types.ts'
import { commitBlobs } from '#runtime/blob-transaction.ts'
import type { Kzg } from '#runtime/kzg.ts'

import { createBlobRelay } from './blob-relay.ts'
import type { Deployment } from './deployment.ts'
import { clientOf } from './rpc.ts'
import { attest } from './settling.ts'
import { batchOf, type SignedGroup } from './work.ts'

/** A settled batch with everything that opening it takes. */
export type OpenBatch = {
  readonly batch: RootedBatch & { readonly facts: Hex }
  readonly tallies: readonly Tally[]
  readonly facts: readonly GroupFacts[]
  readonly link: RingLink
  readonly blobs: readonly Uint8Array[]
  readonly rooted: readonly RootedBlob[]
}

/** Settles for one deployment on an in-process chain. */
export function createBlobSettling(deployment: Deployment, kzg: Kzg) {
  const { ethers, settlement } = deployment
  const rpc = {
    request: async (call: { method: string; params?: unknown[] }) =>
      await ethers.provider.send(call.method, call.params ?? []),
  }
  const relay = createBlobRelay(rpc, clientOf(rpc), kzg)

  async function outcomeOf(hash: string): Promise<{ facts: Hex; time: number }> {
    const receipt = await ethers.provider.getTransactionReceipt(hash)
    const logs = receipt?.logs.map((entry) => settlement.interface.parseLog(entry)) ?? []
    const log = logs.find((entry) => entry?.name === 'Settled')
    if (log == null) throw new Error('the batch emitted nothing')
    const options = { disableStorage: true, disableStack: true, enableMemory: false }
    const trace: { returnValue: string } = await ethers.provider.send('debug_traceTransaction', [hash, options])
    const returned = `0x${trace.returnValue.replace(/^0x/, '')}`
    const [facts] = settlement.interface.decodeFunctionResult('settle', returned)
    return { facts: facts as Hex, time: Number(log.args.clock) }
  }

  async function opened(
    hash: string,
    rooted: RootedBatch,
    tallies: readonly Tally[],
    blobs: readonly Uint8Array[],
  ): Promise<OpenBatch> {
    const { facts, time } = await outcomeOf(hash)
    return {
      batch: { ...rooted, facts },
      tallies,
      facts: decodeFacts(facts),
      link: { root: batchRoot(rooted), factsRoot: factsRoot(facts), time },
      blobs,
      rooted: rooted.mode === Mode.Blob ? rooted.blobs : [],
    }
  }

  return {
    /**
     * Settles groups in blobs; the members attest whatever it is.
     *
     * @param wound - Changes blobs after they were written, as a dishonest proposer would.
     */
    async inBlobs(
      groups: readonly SignedGroup[],
      wound: (packed: PackedBatch) => void = () => undefined,
      lane: number = Lane.Attested,
    ): Promise<OpenBatch> {
      const packed = packBlobBatch(
        lane,
        groups.map(({ tally, leaf, ...group }) => group),
      )
      wound(packed)
      const committed = await commitBlobs(kzg, packed.blobs)
      const sorted = [...groups].sort((left, right) => left.dealId - right.dealId || left.stream - right.stream)
      const rooted: RootedBatch = {
        mode: Mode.Blob,
        groupHashes: sorted.map(({ leaf }) => leaf),
        blobs: committed.map(({ versionedHash }, index) => ({
          versionedHash,
          groups: packed.batch.blobs[index]?.groups ?? 0,
        })),
      }
      const authority = lane === Lane.Attested ? attest(deployment, batchRoot(rooted)) : '0x'
      const args = [encodeBatch(packed.batch), authority] as const
      const data = encodeFunctionData({ abi: settlementAbi, functionName: 'settle', args })
      const hash = await relay.send((await settlement.getAddress()) as Hex, data, packed.blobs)
      const tallies = sorted.map(({ tally }) => tally)
      return await opened(hash, rooted, tallies, packed.blobs)
    },

    /** Settles groups with their receipts in calldata. */
    async inCalldata(groups: readonly SignedGroup[], lane: number = Lane.Attested): Promise<OpenBatch> {
      const { batch, bytes, root } = batchOf(lane, groups)
      const authority = lane === Lane.Attested ? attest(deployment, root) : '0x'
      const from = lane === Lane.Forced ? deployment.owner : deployment.relayer
      const { hash } = await settlement.connect(from).settle(bytes, authority)
      const sorted = batch.groups as readonly SignedGroup[]
      const rooted: RootedBatch = { mode: Mode.Calldata, groupHashes: sorted.map(({ leaf }) => leaf) }
      const tallies = sorted.map(({ tally }) => tally)
      return await opened(hash, rooted, tallies, [])
    },
  }
}

/** Place of group `index` in the batch at `position` of an interval. */
export function placeIn(interval: readonly OpenBatch[], position: number, index: number): Hex {
  const { batch, tallies } = interval[position] ?? {}
  const tally = tallies?.[index]
  if (batch === undefined || tally === undefined) throw new Error('there is no such group')
  return placeInBatch(batch, tally, index, { links: interval.map(({ link }) => link), position })
}
