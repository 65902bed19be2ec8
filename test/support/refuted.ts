/**
 * A batch that members vouched for, and a receipt in it that was refuted since.
 *
 * @module
 */
import type { HardhatEthers } from '@nomicfoundation/hardhat-ethers/types'
import type { NetworkHelpers } from '@nomicfoundation/hardhat-network-helpers/types'
import { expect } from 'chai'
import type { Hex } from 'viem'

import { type Shown, Source, shownSettled } from '#protocol/courts.ts'
import { faultSubject } from '#protocol/evidence.ts'
import { demandDetail, placeUnderRoot } from '#protocol/oversight.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { Fault } from '#protocol/types.ts'

import { signerNamed } from './actors.ts'
import { createBlobSettling, type OpenBatch, placeIn } from './blob-settling.ts'
import { deploy } from './deployment.ts'
import { createMarket, type Market, USD } from './market.ts'
import { bondMembers, kzg } from './netting.ts'
import { advance } from './protocol-clock.ts'
import { lastCase } from './slashing.ts'
import { taskOf } from './tasks.ts'
import type { SignedGroup } from './work.ts'

const HOUR = 3600

/** A usual deal with wide exposure, an hour old, members with bonds, and a stranger with money for demands. */
export async function vouchedMarket(ethers: HardhatEthers, helpers: NetworkHelpers): Promise<Market> {
  const market = await createMarket(await deploy(ethers), { terms: { exposure: 10_000_000n } })
  await bondMembers(market)
  await market.dollar.mint(market.stranger, 100n * USD)
  await market.dollar.connect(market.stranger).approve(market.demands, 100n * USD)
  await advance(helpers, market, HOUR)
  return market
}

/** Settles a batch of two streams, of which one receipt has no order: the demand for it stays without an answer. */
export async function unorderedIn(market: Market, helpers: NetworkHelpers, where: 'inCalldata' | 'inBlobs') {
  const { deal, demands } = market
  const tasks = [0, 1, 2].map((index) => taskOf(market, deal, index, { signer: signerNamed('nobody') }))
  const group = deal
    .stream(0)
    .add(...tasks.map(({ receipt }) => receipt))
    .group()
  const other = deal.stream(1).work(7n).group()
  const batch = await createBlobSettling(market, kzg)[where]([group, other])
  const shown: Shown = shownSettled(Source.Batch, placeIn([batch], 0, 0), encodeReceipts(group.receipts), 1)
  const sent = await demands.connect(market.stranger).demandOrder(deal.id, shown)
  const facts = await demandOf(market, sent.hash)
  await advance(helpers, market, 13 * HOUR)
  await demands.lapse(facts as never)
  return { ...market, group, other, batch, refutation: await refutationOf(market, group, 1) }
}

async function demandOf({ demands, ethers }: Market, hash: string): Promise<unknown[]> {
  const receipt = await ethers.provider.getTransactionReceipt(hash)
  const logs = receipt?.logs.map((entry) => demands.interface.parseLog(entry)) ?? []
  return logs.find((entry) => entry?.name === 'Demanded')?.args.facts.toArray() ?? []
}

/** The case of a receipt without an order, as the oversight court takes it. */
async function refutationOf(market: Market, { tally, receipts }: SignedGroup, index: number) {
  const { dealKey, stream, first } = tally
  const facts = await lastCase(market)
  expect(facts.subject).to.equal(faultSubject(dealKey, stream, Fault.Unordered))
  const workHash = receipts[index - first]?.workHash ?? '0x'
  const detail = demandDetail({ ask: 0, dealKey, stream, index, workHash, chunk: 0 })
  return { facts, fault: Fault.Unordered as number, index, detail }
}

/** Place of the group at `index` of a settled batch under its root. */
export function placeUnderIts({ batch, tallies }: OpenBatch, index: number): Hex {
  const tally = tallies[index]
  if (tally === undefined) throw new Error('there is no such group')
  return placeUnderRoot(batch, tally, index)
}
