/**
 * Netted deals of two providers and two buyers, a batch of theirs with something wrong in it, and what shows that.
 *
 * @module
 */
import type { HardhatEthers } from '@nomicfoundation/hardhat-ethers/types'
import type { NetworkHelpers } from '@nomicfoundation/hardhat-network-helpers/types'
import { expect } from 'chai'

import type { BuiltNetBatch } from '#protocol/net-build.ts'
import type { DealRecord, GroupRecord } from '#protocol/net-records.ts'
import { NetSide, type RecordOpening } from '#runtime/net-opening.ts'

import { deploy } from './deployment.ts'
import { fundBuyer, joinProvider, USD } from './market.ts'
import { type Forgery, forged, type OpenBatch, settleForged } from './net-forging.ts'
import { bondMembers, copyOf, createNetBooks, leafOf, netBatchOf, openNetDeal, settleNets } from './netting.ts'
import { advance } from './protocol-clock.ts'
import type { SignedGroup } from './work.ts'

const HOUR = 3600

/** `INetProofs.Fault`. */
const FAULTS = [
  ...['Malformed', 'Order', 'Total', 'Net', 'NoNet', 'NoRecord', 'NoDeal', 'Provider', 'Buyer', 'Stream', 'Worker'],
  ...['Signature', 'Cursor', 'Rate', 'Exposure', 'Amount', 'State', 'Link', 'Root', 'Place', 'Receipts'],
] as const
export type Fault = (typeof FAULTS)[number]

/**
 * Deal 1 is between provider 1 and buyer 0, deal 2 between provider 2 and buyer 0, deal 3 between provider 1 and buyer 1.
 * Each has one receipt settled, more than an hour ago.
 */
export async function provingGround(ethers: HardhatEthers, helpers: NetworkHelpers) {
  const deployment = await deploy(ethers)
  const proofs = await ethers.deployContract('NetProofs', [deployment.settlement])
  const books = createNetBooks()
  await bondMembers(deployment)
  const provider = await joinProvider(deployment, deployment.owner)
  const competitor = await joinProvider(deployment, deployment.rival)
  await fundBuyer(deployment, deployment.buyer, 5000n * USD)
  await fundBuyer(deployment, deployment.otherBuyer, 1000n * USD)
  const first = await openNetDeal(deployment, books, provider)
  const second = await openNetDeal(deployment, books, competitor)
  const third = await openNetDeal(deployment, books, provider, { buyer: deployment.otherBuyer })
  await advance(helpers, deployment, HOUR)
  const groups = [first.stream(0).work(100n), second.stream(0).work(200n), third.stream(0).work(300n)]
  const built = await netBatchOf(
    deployment,
    books,
    groups.map((stream) => stream.group()),
  )
  await settleNets(deployment, books, built)
  await advance(helpers, deployment, HOUR)
  return { ...deployment, proofs, books, provider, competitor, first, second, third }
}

/** What {@link provingGround} gives. */
export type Ground = Awaited<ReturnType<typeof provingGround>>

/** The same with books of a test's own. */
export function ownBooks(ground: Ground): Ground {
  return { ...ground, books: copyOf(ground.books) }
}

/**
 * The next groups, as their records will stand: two streams of deal 1, the first from its beginning on, one of deal 3, one
 * of deal 2.
 */
export function workOf({ first, second, third }: Ground): SignedGroup[] {
  return [
    first.stream(0).work(100n, 400n).group(),
    first.stream(2).work(50n, 60n).group(),
    third.stream(0).work(300n, 500n).group(1),
    second.stream(1).work(700n).group(),
  ]
}

/** An honest batch of {@link workOf}. */
export async function usual(ground: Ground): Promise<BuiltNetBatch> {
  return await netBatchOf(ground, ground.books, workOf(ground))
}

/** A batch in the ring, and its records as far as they are asked for. */
export type Shown = OpenBatch & { readonly ground: Ground; readonly built: BuiltNetBatch; group: Show; deal: Show }
type Show = (index: number, elements: number) => Promise<RecordOpening>

/** Lets members attest a batch, the usual one unless `honest` is another, with something wrong in it. */
export async function attested(ground: Ground, forgery: Forgery, honest?: BuiltNetBatch): Promise<Shown> {
  const built = forged(honest ?? (await usual(ground)), forgery)
  const settled = await settleForged(ground, ground.books, built)
  return {
    ...settled,
    ground,
    built,
    group: (index, elements) => settled.open.record(NetSide.Providers, index, elements),
    deal: (index, elements) => settled.open.record(NetSide.Buyers, index, elements),
  }
}

/** Other group records. */
export const groupsOf = (change: (records: readonly GroupRecord[]) => GroupRecord[]): Forgery => ({ groups: change })
/** Other deal records. */
export const dealsOf = (change: (records: readonly DealRecord[]) => DealRecord[]): Forgery => ({ deals: change })

/** `INetProofs.State` of a deal before the batch. */
export function stateOf(ground: Ground, dealId: number) {
  const [leaf, path] = leafOf(ground.books, dealId)
  return { leaf, path }
}

/** Asserts that a proof shows this fault of this batch. */
export async function expectFault(
  { root }: Shown,
  fault: Fault,
  proof: Promise<readonly [string, bigint, ...unknown[]]>,
): Promise<void> {
  const [shown, code] = await proof
  expect([FAULTS[Number(code)], shown]).to.deep.equal([fault, root])
}

/** Asserts that a proof shows nothing. */
export async function expectNothing({ ground }: Shown, proof: Promise<unknown>): Promise<void> {
  await expect(proof).to.be.revertedWithCustomError(ground.proofs, 'NetProofsNothingWrong')
}

/** Asserts that what is shown does not belong together. */
export async function expectWrongRecords({ ground }: Shown, proof: Promise<unknown>): Promise<void> {
  await expect(proof).to.be.revertedWithCustomError(ground.proofs, 'NetProofsWrongRecords')
}
