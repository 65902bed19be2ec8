/**
 * The committee as one hand: its bonds, and what it can sign.
 *
 * @module
 */
import { encodeFunctionData, parseEventLogs } from 'viem'

import { findWrongNet } from '#auditor/watch/find-wrong-net.ts'
import { committeeAbi, demoStakeAbi, oversightAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { encodeNetBatch, netBatchRoot } from '#protocol/net-batch.ts'
import { placeUnderRoot } from '#protocol/oversight.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Fault } from '#protocol/types.ts'
import { toHex } from '#protocol/words.ts'

import { attestationOf } from '../bench/attestations.ts'
import { COMMITTEE } from '../bench/chain.ts'
import { signPermit } from '../bench/permits.ts'
import { keyOf } from '../bench/random.ts'
import { type Case, casesOf, type Settled } from './reports.ts'
import type { Party, Provider, Scene } from './scene.ts'

/** Chunk 0, of an output that was demanded. */
const WHOLE_OUTPUT = '0x00000000'
const HALF_HOUR = 1_800
const NO_FACTS = `0x${'00'.repeat(32)}` as const

/** Every member with `amount` of stake as its bond. */
export async function bondedMembers(scene: Scene, amount: bigint): Promise<readonly Party[]> {
  const { registry, stakeToken, settlement } = scene.chain.deployment
  const members: Party[] = []
  for (let index = 0; index < COMMITTEE.members; index += 1) {
    const account = await scene.chain.actor('member', index)
    const member = { name: `member ${index}`, key: keyOf(scene.seed, 'member', index), account }
    const mint = [account.address, amount] as const
    await scene.send(member, stakeToken, encodeFunctionData({ abi: demoStakeAbi, functionName: 'mint', args: mint }))
    await scene.callRegistry(member, 'nameBondOwner', [account.address, account.address])
    const permit = await signPermit(scene.chain, account, stakeToken, registry, amount)
    await scene.callRegistry(member, 'bond', [account.address, amount, permit])
    members.push(member)
  }
  await scene.send(scene.anyone, settlement, encodeFunctionData({ abi: settlementAbi, functionName: 'refreshBonds' }))
  return members
}

/** Shows that members vouched for what silence refuted. @returns Their cases. */
export async function refuteVouchers(
  scene: Scene,
  by: Party,
  facts: Case,
  { batch, signed }: Settled,
  demand: `0x${string}`,
): Promise<readonly Case[]> {
  const refutation = { facts, fault: Fault.Unordered, index: signed.tally.first, detail: demand }
  const place = placeUnderRoot(batch.rooted, signed.tally, 0)
  const receipts = toHex(encodeReceipts(signed.group.receipts))
  const args = [refutation, place, receipts, WHOLE_OUTPUT, batch.authority] as const
  const data = encodeFunctionData({ abi: oversightAbi, functionName: 'proveBadAttestation', args })
  const { oversight } = scene.chain.deployment
  return (await scene.wouldDo(by, oversight, data)) ? casesOf(await scene.send(by, oversight, data)) : []
}

/** A net that was settled for nothing. */
export type WrongNet = Awaited<ReturnType<typeof signWrongNet>>

/** The whole committee moves a buyer's money to a provider by its word alone. */
export async function signWrongNet(scene: Scene, from: Party, to: Provider, amount: bigint) {
  const { reader, deployment } = scene.chain
  const own = { address: deployment.settlement, abi: settlementAbi } as const
  const [previous, [queueFrom], [index], clock] = await Promise.all([
    reader.readContract({ ...own, functionName: 'netRoot' }),
    reader.readContract({ ...own, functionName: 'netQueue' }),
    reader.readContract({ ...own, functionName: 'netBuyer', args: [from.account.address] }),
    reader.readContract({ ...own, functionName: 'clock' }),
  ])
  const bytes = encodeNetBatch({
    ...{ until: clock + HALF_HOUR, queueTo: queueFrom, root: previous, blobs: [] },
    ...{ providers: [{ of: to.id, amount }], buyers: [{ of: index, amount }] },
  })
  const root = netBatchRoot(bytes, { versionedHashes: [], previous, queueFrom })
  const authority = attestationOf(scene, root, COMMITTEE.members)
  const { receipt } = await scene.call(scene.anyone, 'settle', [bytes, authority])
  const [settled] = parseEventLogs({ abi: settlementAbi, eventName: 'Settled', logs: receipt.logs })
  if (settled === undefined) throw new Error('the net was not settled')
  return { bytes, authority, versionedHashes: [], previous, queueFrom, root, time: settled.args.clock, buyer: from }
}

/** Shows that a net has no record, by the finder of `tally watch`. @returns The members' cases. */
export async function proveWrongNet(scene: Scene, by: Party, net: WrongNet): Promise<readonly Case[]> {
  const { reader, deployment } = scene.chain
  const own = { address: deployment.committee, abi: committeeAbi } as const
  const [, members] = await reader.readContract({ ...own, functionName: 'committee', args: [1] })
  const links = [{ root: net.root, factsRoot: NO_FACTS, time: net.time }]
  const signers = members.map(({ signer }) => signer)
  const [finding] = findWrongNet(
    net,
    links,
    () => net.buyer.account.address,
    () => signers,
  )
  if (finding === undefined) throw new Error('the net has a record')
  return casesOf(await scene.send(by, deployment.oversight, finding.data))
}

/** What the members own besides their bonds. */
export function handOf(members: readonly Party[]) {
  return { parties: members, members: members.map(({ account }) => account.address) }
}
