/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { concatHex, sliceHex } from 'viem'

import { acknowledgementDigest } from '#protocol/eip712.ts'
import { Lane, type Tally } from '#protocol/types.ts'

import { deploy } from '../support/deployment.ts'
import { ackKey, createMarket, fundBuyer, type OpenDeal, openDeal } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import { settle } from '../support/settling.ts'
import { setStream } from '../support/storage.ts'
import { acknowledgementOf, batchOf, resigned, type SignedGroup } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create()

const DAY = 86_400
const STREAMS = 6 // two in a word that another deal shares, four in a word of its own
const MOST = { cursor: 2n ** 24n - 1n, units: 2n ** 40n - 1n }
const BUDGET = 2n ** 45n
const FIRST_AT = 2 + 14 // in a batch of one group

/** A deal of even and one of odd number, whose first streams share a word, at a price of one; rooms of the day issued. */
async function sharing() {
  const market = await createMarket(await deploy(ethers, { parameters: { bondBps: 0 } }), {
    offer: { openingFee: 0n },
    terms: { duration: 30 * DAY },
  })
  const { buyer, provider } = market
  await fundBuyer(market, buyer, 2n * BUDGET)
  const offer = { price: 1n, maxBudget: BUDGET, total: 2n * BUDGET, rateCap: 2 ** 32 - 1, openingFee: 0n }
  const terms = { budget: BUDGET, exposure: 2n ** 44n, streams: STREAMS, duration: 30 * DAY }
  const even = await openDeal(market, provider, { offer, terms })
  const odd = await openDeal(market, provider, { offer: { ...offer, nonce: 1n }, terms })
  await advance(networkHelpers, market, 11 * DAY) // by then any number of units is within the rate
  await settle(market, Lane.Attested, [market.deal.stream(0).work(1n).group()])
  return { ...market, even, odd }
}

type Sharing = Awaited<ReturnType<typeof sharing>>
type Stand = { cursor: bigint; units: bigint }

/** A group of these units, from before or at where the stream stands. */
function groupFrom(
  { domain }: Sharing,
  deal: OpenDeal,
  index: number,
  at: Stand,
  units: readonly bigint[],
): SignedGroup {
  const [worker] = deal.provider.workers
  if (worker === undefined) throw new Error('no worker')
  const group = deal
    .stream(index, 0)
    .work(...units)
    .group()
  const first = Number(at.cursor)
  const sum = units.reduce((total, one) => total + one, at.units)
  const change: Partial<Tally> = { first, count: first + units.length, units: sum }
  const signed = resigned(domain, { ...group, first }, worker, change)
  return { ...signed, acknowledgement: ackKey.sign(acknowledgementDigest(acknowledgementOf(signed.tally), domain)) }
}

/** Every stream of both deals. */
async function standing({ tally, even, odd }: Sharing): Promise<[bigint, bigint][]> {
  const found: [bigint, bigint][] = []
  for (const { id } of [even, odd]) {
    for (let index = 0; index < STREAMS; index += 1) {
      const { count, units } = await tally.stream(id, index)
      found.push([count, units])
    }
  }
  return found
}

/** Puts one stream somewhere and all the others of both deals to the most they can count. */
async function fillBeside(market: Sharing, deal: OpenDeal, index: number, at: Stand): Promise<void> {
  for (const one of [market.even, market.odd]) {
    for (let stream = 0; stream < STREAMS; stream += 1) {
      const isIt = one.id === deal.id && stream === index
      await setStream(networkHelpers, market, one.id, stream, isIt ? at : MOST)
    }
  }
}

type Way = { readonly name: string; readonly lane: number; readonly overlap: bigint }

const WAYS: readonly Way[] = [
  { name: 'the usual way', lane: Lane.Attested, overlap: 0n },
  { name: 'by a group that is longer than it had to be', lane: Lane.Attested, overlap: 1n },
  { name: 'by force', lane: Lane.Forced, overlap: 0n },
  { name: 'acknowledged', lane: Lane.Acknowledged, overlap: 0n },
]
const STANDS: readonly [name: string, at: Stand][] = [
  ['from its beginning', { cursor: 1n, units: 5n }],
  ['up to the most it can count', { cursor: MOST.cursor - 2n, units: MOST.units - 11n }],
]

/** Moves one stream by two receipts of eleven units and asks that all others stand as they stood. */
async function moveOne(market: Sharing, deal: OpenDeal, index: number, at: Stand, { lane, overlap }: Way) {
  const context = `deal ${deal.id}, stream ${index}`
  await fillBeside(market, deal, index, at)
  const moved = await standing(market)
  const from = { cursor: at.cursor - overlap, units: at.units - 4n * overlap }
  const units = overlap === 0n ? [3n, 8n] : [4n, 3n, 8n]
  const { acknowledgement, ...bare } = groupFrom(market, deal, index, from, units)
  const group = lane === Lane.Acknowledged && acknowledgement ? { ...bare, acknowledgement } : bare
  const { records } = await settle(market, lane, [group])
  expect(records[0], context).to.deep.include({ outcome: 0, amount: 11n })
  moved[(deal === market.odd ? STREAMS : 0) + index] = [at.cursor + 2n, at.units + 11n]
  expect(await standing(market), context).to.deep.equal(moved)
}

describe('settle: streams in one word', () => {
  for (const way of WAYS) {
    for (const [where, at] of STANDS) {
      it(`${way.name} ${where}, a stream moves by itself beside the highest counts there can be`, async () => {
        const market = await networkHelpers.loadFixture(sharing)
        for (const deal of [market.even, market.odd]) {
          for (const index of [0, 1, 2, 4, 5]) await moveOne(market, deal, index, at, way)
        }
      })
    }
  }

  it('a stream that counted all it can takes no receipt more', async () => {
    const market = await networkHelpers.loadFixture(sharing)
    const at = { cursor: MOST.cursor, units: 5n }
    await setStream(networkHelpers, market, market.odd.id, 0, { cursor: 1n, units: 5n })
    await setStream(networkHelpers, market, market.odd.id, 1, at)
    const { acknowledgement: _, ...usual } = groupFrom(market, market.odd, 0, { cursor: 1n, units: 5n }, [1n])
    const { acknowledgement: __, ...group } = groupFrom(market, market.odd, 1, at, [1n])
    // the codec writes no such count, so its first receipt is put in afterwards
    const { bytes: before } = batchOf(Lane.Attested, [usual])
    const { bytes } = batchOf(Lane.Attested, [{ ...group, first: group.first - 1 }])
    const over = concatHex([before, sliceHex(bytes, 2, FIRST_AT), '0xffffff', sliceHex(bytes, FIRST_AT + 3)])
    await expect(market.settlement.settle(over, '0x')).to.be.revertedWithCustomError(
      market.settlement,
      'SettlementMalformedBatch',
    )
  })

  it('a recycled deal leaves those of its neighbour as they are', async () => {
    const market = await networkHelpers.loadFixture(sharing)
    const { tally, buyer, even, odd } = market
    for (const [gone, kept] of [
      [even, odd],
      [odd, even],
    ] as const) {
      const restore = await networkHelpers.takeSnapshot()
      for (const { id } of [even, odd]) {
        for (let index = 0; index < STREAMS; index += 1) await setStream(networkHelpers, market, id, index, MOST)
      }
      await tally.connect(buyer).stop(gone.id)
      await advance(networkHelpers, market, DAY)
      await tally.close(gone.id)
      await advance(networkHelpers, market, 7 * DAY)
      await tally.recycle(gone.id)
      for (let index = 0; index < STREAMS; index += 1) {
        expect((await tally.stream(gone.id, index)).slice(0, 2), `recycled ${index}`).to.deep.equal([0n, 0n])
        const { count, units } = await tally.stream(kept.id, index)
        expect({ cursor: count, units }, `kept ${index}`).to.deep.equal(MOST)
      }
      await restore.restore()
    }
  })
})
