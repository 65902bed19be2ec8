/** @module */
import { expect } from 'chai'
import type { ContractTransactionResponse } from 'ethers'
import { network } from 'hardhat'
import { type Hex, keccak256 } from 'viem'

import type { Shown } from '#protocol/courts.ts'
import { headerBytes, PanelState, resultCommitment } from '#protocol/panels.ts'
import { Fault } from '#protocol/types.ts'

import { deploy } from '../support/deployment.ts'
import { createMarket, joinProvider, type OpenDeal, openDeal, USD } from '../support/market.ts'
import { advance, lastClock } from '../support/protocol-clock.ts'
import { contentOf, createShowing, type Task, taskOf } from '../support/tasks.ts'
import { type StreamLog, workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const HOUR = 3600
const UNIT = USD / 1000n
const [RIGHT, WRONG, OTHER] = [contentOf(9000, 1), contentOf(9000, 2), contentOf(9000, 3)]
const INPUT = contentOf(500)

/** Six providers, and a deal of one buyer with each; the last one's offer does not consent to be slashed. */
async function fixture() {
  const options = { offer: { panel: true }, terms: { exposure: 10_000_000n } }
  const market = await createMarket(await deploy(ethers), options)
  const owners = [market.rival, market.stranger, market.nextPayout, market.otherBuyer, market.governor]
  const deals = [market.deal]
  for (const [index, owner] of owners.entries()) {
    const provider = await joinProvider(market, owner)
    const offer = { panel: index !== owners.length - 1 }
    deals.push(await openDeal(market, provider, { ...options, offer }))
  }
  await advance(networkHelpers, market, 2 * HOUR)
  return { market, deals }
}

/** One seat with its provider's work. */
type Seated = { deal: OpenDeal; task: Task; stream: StreamLog; shown: Shown; salt: Hex; index: number }

/** A panel over these outputs, one a provider, of which `size` are drawn and `k` must agree. */
async function opened(outputs: readonly Uint8Array[], size: number, k: number) {
  const { market, deals } = await networkHelpers.loadFixture(fixture)
  const showing = createShowing(market)
  const seats: Seated[] = []
  for (const [index, output] of outputs.entries()) {
    const deal = deals[index]
    if (deal === undefined) throw new Error('there are six providers')
    const task = taskOf(market, deal, 7, { output, input: INPUT })
    const stream = deal.stream(0)
    stream.add(taskOf(market, deal, 1).receipt, task.receipt)
    const shown = await showing.attested(stream, 1)
    await advance(networkHelpers, market, 901) // each batch is alone in its interval
    seats.push({ deal, task, stream, shown, salt: workHashOf(`salt ${index}`), index })
  }
  const panels = market.panels.connect(market.buyer)
  const candidates = seats.map(({ deal }) => ({ id: deal.id, nonce: deal.nonce, order: 7n, offer: deal.offer }))
  const shape = {
    ...{ buyer: market.buyer.address, number: 0, inputRoot: seats[0]?.task.order.inputRoot ?? '0x', maxUnits: 1000n },
    ...{ k, size, commitUntil: (await lastClock(market)) + 2 * HOUR, revealFor: HOUR, seats: [] },
  }
  const open = (change: object = {}, some = candidates) => panels.openPanel({ ...shape, ...change }, some)
  return { market, seats, panels, candidates, shape, open }
}

async function argsOf(panels: Awaited<ReturnType<typeof opened>>['panels'], sent: ContractTransactionResponse) {
  const receipt = await sent.wait()
  const log = receipt?.logs.map((entry) => panels.interface.parseLog(entry)).find((entry) => entry !== null)
  if (log == null) throw new Error('nothing was emitted')
  return log.args
}

/** A panel whose providers have committed. */
async function committed(outputs: readonly Uint8Array[], size: number, k: number) {
  const all = await opened(outputs, size, k)
  const args = await argsOf(all.panels, await all.open())
  const [id, panel] = [args.panel as Hex, args.facts.toArray(true)]
  for (const seat of all.seats) await commitBy(all, panel, id, seat)
  return { ...all, id, panel }
}

const commitBy = async (
  { panels }: Pick<Awaited<ReturnType<typeof opened>>, 'panels'>,
  panel: unknown,
  id: Hex,
  { deal, task, salt, index }: Seated,
) => {
  const result = { panel: id, seat: index, workHash: task.receipt.workHash, plainHash: task.work.plainHash, salt }
  await panels.connect(deal.provider.owner).commit(panel as never, index, resultCommitment(result))
}

/** Header of a block, as the chain hashes it. */
async function headerOf(number: bigint): Promise<Hex> {
  const block = await ethers.provider.send('eth_getBlockByNumber', [`0x${number.toString(16)}`, false])
  const header = headerBytes(block)
  expect(keccak256(header)).to.equal(block.hash)
  return header
}

/** A panel that was drawn. */
async function drawn(outputs: readonly Uint8Array[], size: number, k: number, wait = 0) {
  const all = await committed(outputs, size, k)
  await networkHelpers.mine(wait + 1)
  await all.panels.seal(all.panel)
  const { drawBlock } = await all.panels.panelOf(all.id)
  await networkHelpers.mine(5)
  await all.panels.draw(all.panel, await headerOf(drawBlock))
  const { drawn: bits } = await all.panels.panelOf(all.id)
  const isDrawn = ({ index }: Seated) => ((Number(bits) >> index) & 1) === 1
  const reveal = ({ index, shown, task, salt }: Seated) =>
    all.panels.connect(all.market.relayer).reveal(all.panel, index, shown, task.work, salt)
  const unpay = ({ index, shown, task }: Seated) => all.panels.unpay(all.panel, index, shown, task.work)
  return { ...all, isDrawn, reveal, unpay }
}

/** The same, in which seat `index` was drawn, or was not. */
async function drawnWith(index: number, wanted: boolean, outputs: readonly Uint8Array[], size: number, k: number) {
  for (let wait = 1; wait < 20; wait++) {
    const all = await drawn(outputs, size, k, wait)
    if (all.isDrawn(at(all.seats, index)) === wanted) return await revealed(all)
  }
  throw new Error('no draw was as wanted')
}

/** A panel that has ended, all drawn providers having revealed. */
async function finished(outputs: readonly Uint8Array[], size: number, k: number) {
  return await revealed(await drawn(outputs, size, k))
}

async function revealed(all: Awaited<ReturnType<typeof drawn>>) {
  for (const seat of all.seats.filter(all.isDrawn)) await all.reveal(seat)
  await all.panels.finish(all.panel)
  return all
}

const at = (seats: readonly Seated[], index: number): Seated => {
  const seat = seats[index]
  if (seat === undefined) throw new Error(`there is no seat ${index}`)
  return seat
}

describe('Panels', () => {
  it('unpay the minority where enough providers agree, from that receipt on, and slash nobody without a draw', async () => {
    const { market, seats, panels, id, unpay } = await finished([RIGHT, WRONG, RIGHT], 3, 2)
    const standing = await panels.panelOf(id)
    expect([standing.state, standing.result]).to.deep.equal([
      BigInt(PanelState.Agreed),
      at(seats, 0).task.work.plainHash,
    ])
    const { deal } = at(seats, 1)
    const before = await market.tally.deal(deal.id)
    await expect(unpay(at(seats, 1)))
      .to.emit(panels, 'MinorityUnpaid')
      .withArgs(id, 1, false)
      .and.to.emit(market.tally, 'UnitsVoided')
      .withArgs(deal.id, 0, 100, 100n * UNIT)
      .and.not.to.emit(market.registry, 'Slashed')
    expect((await market.tally.deal(deal.id)).remaining - before.remaining).to.equal(100n * UNIT)
    for (const index of [0, 2]) {
      await expect(unpay(at(seats, index)))
        .to.be.revertedWithCustomError(panels, 'PanelsWrongSeat')
        .withArgs(index)
    }
  })

  it('slash a minority that consented and was drawn from twice as many: all of it is burned', async () => {
    const outputs = [WRONG, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT]
    const { market, seats, panels, id, unpay } = await drawnWith(0, true, outputs, 3, 2)
    const sent = await unpay(at(seats, 0))
    await expect(sent).to.emit(panels, 'MinorityUnpaid').withArgs(id, 0, true)
    const vault = await ethers.getContractAt('IVault', market.registry)
    const logs = (await sent.wait())?.logs.map((entry) => vault.interface.parseLog(entry)) ?? []
    const args = logs.find((entry) => entry?.name === 'Slashed')?.args
    const { own, restitution, victim, reporter } = args?.facts ?? {}
    expect(args?.fault).to.equal(BigInt(Fault.Minority))
    expect([restitution, victim, reporter]).to.deep.equal([0n, ethers.ZeroAddress, ethers.ZeroAddress])
    expect(own).to.be.greaterThanOrEqual((await market.tally.deal(at(seats, 0).deal.id)).bond)
    await expect(unpay(at(seats, 0)))
      .to.emit(panels, 'MinorityUnpaid')
      .withArgs(id, 0, false)
  })

  it('do not compare who was not drawn', async () => {
    const outputs = [WRONG, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT]
    const { seats, panels, unpay } = await drawnWith(0, false, outputs, 3, 2)
    await expect(unpay(at(seats, 0)))
      .to.be.revertedWithCustomError(panels, 'PanelsWrongSeat')
      .withArgs(0)
  })

  it('unpay without slashing where the offer did not consent', async () => {
    const outputs = [RIGHT, RIGHT, RIGHT, RIGHT, RIGHT, WRONG]
    const { market, seats, panels, id, unpay } = await drawnWith(5, true, outputs, 3, 2)
    await expect(unpay(at(seats, 5)))
      .to.emit(panels, 'MinorityUnpaid')
      .withArgs(id, 5, false)
      .and.to.emit(market.tally, 'UnitsVoided')
  })

  it('pay everybody and slash nobody in a tie', async () => {
    const { panels, panel, id, seats, unpay } = await finished([RIGHT, WRONG, OTHER], 3, 2)
    expect((await panels.panelOf(id)).state).to.equal(BigInt(PanelState.Tied))
    for (const seat of seats) await expect(unpay(seat)).to.be.revertedWithCustomError(panels, 'PanelsWrongState')
    await expect(panels.finish(panel)).to.be.revertedWithCustomError(panels, 'PanelsWrongState')
  })

  it('and when too few reveal, commit, or draw in time', async () => {
    const some = await drawn([RIGHT, RIGHT, RIGHT], 3, 2)
    await some.reveal(at(some.seats, 0))
    await expect(some.panels.finish(some.panel)).to.be.revertedWithCustomError(some.panels, 'CourtWrongTime')
    await advance(networkHelpers, some.market, HOUR + 60)
    await expect(some.reveal(at(some.seats, 1))).to.be.revertedWithCustomError(some.panels, 'CourtWrongTime')
    await some.panels.finish(some.panel)
    expect((await some.panels.panelOf(some.id)).state).to.equal(BigInt(PanelState.Tied))

    const few = await opened([RIGHT, RIGHT, RIGHT], 3, 2)
    const args = await argsOf(few.panels, await few.open())
    const panel = args.facts.toArray(true)
    await commitBy(few, panel, args.panel, at(few.seats, 0))
    await expect(few.panels.seal(panel)).to.be.revertedWithCustomError(few.panels, 'CourtWrongTime')
    await advance(networkHelpers, few.market, 2 * HOUR + 60)
    await few.panels.seal(panel)
    expect((await few.panels.panelOf(args.panel)).state).to.equal(BigInt(PanelState.Tied))

    const late = await committed([RIGHT, RIGHT, RIGHT], 3, 2)
    await late.panels.seal(late.panel)
    await expect(late.panels.finish(late.panel)).to.be.revertedWithCustomError(late.panels, 'CourtWrongTime')
    await advance(networkHelpers, late.market, 3 * HOUR + 60)
    await late.panels.finish(late.panel)
    expect((await late.panels.panelOf(late.id)).state).to.equal(BigInt(PanelState.Tied))
  })

  it('draw by one block that was not there at the last commitment, and by no other', async () => {
    const { panels, panel, id } = await committed([RIGHT, RIGHT, RIGHT, RIGHT, RIGHT, RIGHT], 3, 2)
    await panels.seal(panel)
    const { drawBlock } = await panels.panelOf(id)
    expect(drawBlock).to.equal(BigInt(await ethers.provider.getBlockNumber()) + 4n)
    const early = await headerOf(BigInt(await ethers.provider.getBlockNumber()))
    await expect(panels.draw(panel, early)).to.be.revertedWithCustomError(panels, 'PanelsOtherBlock')
    await networkHelpers.mine(6)
    for (const other of [drawBlock - 1n, drawBlock + 1n]) {
      await expect(panels.draw(panel, await headerOf(other))).to.be.revertedWithCustomError(panels, 'PanelsOtherBlock')
    }
    await expect(panels.seal(panel)).to.be.revertedWithCustomError(panels, 'PanelsOtherBlock')
    await networkHelpers.mine(260)
    await expect(panels.draw(panel, await headerOf(drawBlock))).to.be.revertedWithCustomError(
      panels,
      'PanelsOtherBlock',
    )
    await panels.seal(panel)
    const again = (await panels.panelOf(id)).drawBlock
    await networkHelpers.mine(5)
    await panels.draw(panel, await headerOf(again))
    const { drawn: bits } = await panels.panelOf(id)
    expect([...Number(bits).toString(2)].filter((bit) => bit === '1').length).to.equal(3)
  })

  it('hold every provider to what it committed, once, and to receipts of the task', async () => {
    const { market, panels, panel, seats, reveal } = await drawn([RIGHT, WRONG, RIGHT], 3, 2)
    const [one, two] = [at(seats, 0), at(seats, 1)]
    const revealWith = (seat: Seated, change: { shown?: Shown; work?: Task['work']; salt?: Hex }) =>
      panels.reveal(
        panel,
        seat.index,
        change.shown ?? seat.shown,
        change.work ?? seat.task.work,
        change.salt ?? seat.salt,
      )
    await expect(revealWith(one, { salt: two.salt })).to.be.revertedWithCustomError(panels, 'PanelsOtherResult')
    await expect(revealWith(one, { work: two.task.work })).to.be.revertedWithCustomError(panels, 'CourtOtherWork')
    await expect(revealWith(one, { shown: two.shown, work: two.task.work })).to.be.revertedWithCustomError(
      panels,
      'CourtNoSuchDeal',
    )
    const other = taskOf(market, one.deal, 1)
    await expect(
      revealWith(one, { shown: { ...one.shown, index: 0 }, work: other.work }),
    ).to.be.revertedWithCustomError(panels, 'CourtOtherWork')
    await reveal(one)
    await expect(reveal(one)).to.be.revertedWithCustomError(panels, 'PanelsWrongSeat')
  })

  it('take commitments from the seats’ own providers only, once and in time', async () => {
    const all = await opened([RIGHT, RIGHT, RIGHT], 3, 2)
    const { market, panels, seats } = all
    const args = await argsOf(panels, await all.open())
    const panel = args.facts.toArray(true)
    const commitment = workHashOf('commitment')
    await expect(panels.connect(market.rival).commit(panel, 0, commitment)).to.be.revertedWithCustomError(
      panels,
      'CourtUnauthorized',
    )
    await commitBy(all, panel, args.panel, at(seats, 0))
    for (const seat of [0, 3]) {
      await expect(panels.connect(market.owner).commit(panel, seat, commitment)).to.be.revertedWithCustomError(
        panels,
        'PanelsWrongSeat',
      )
    }
    await advance(networkHelpers, market, 2 * HOUR + 60)
    await expect(panels.connect(market.rival).commit(panel, 1, commitment)).to.be.revertedWithCustomError(
      panels,
      'CourtWrongTime',
    )
  })

  it('are opened by their buyer, over different providers of one program, with a majority for threshold', async () => {
    const { market, candidates, shape, open, panels } = await opened([RIGHT, RIGHT, RIGHT, RIGHT], 3, 2)
    const bad = async (change: object, field: string, some = candidates) =>
      await expect(open(change, some)).to.be.revertedWithCustomError(panels, 'PanelsBadPanel').withArgs(field, isAny)
    const isAny = () => true
    await bad({ k: 1 }, 'k')
    await bad({ k: 4 }, 'k')
    await bad({ size: 1, k: 1 }, 'size')
    await bad({ size: 5, k: 3 }, 'size')
    await bad({ size: 4, k: 2 }, 'k')
    await bad({ commitUntil: 0 }, 'commitUntil')
    await bad({ revealFor: 60 }, 'revealFor')
    await bad({ revealFor: 3 * 24 * HOUR }, 'revealFor')
    await bad({}, 'candidates', candidates.slice(0, 1))
    await bad({}, 'id', [...candidates].reverse())
    const [first, second, third] = candidates
    if (first === undefined || second === undefined || third === undefined) return expect.fail('no candidates')
    await bad({}, 'id', [first, first, second])
    const twice = await openDeal(market, market.provider, { offer: { salt: workHashOf('twice') } })
    const again = { id: twice.id, nonce: twice.nonce, order: 7n, offer: twice.offer }
    await bad({}, 'provider', [first, second, again])
    const program = await openDeal(market, market.provider, { offer: { program: workHashOf('other program') } })
    const strange = { id: program.id, nonce: program.nonce, order: 7n, offer: program.offer }
    await bad({}, 'program', [second, third, strange])
    await expect(panels.connect(market.relayer).openPanel(shape, candidates)).to.be.revertedWithCustomError(
      panels,
      'CourtUnauthorized',
    )
    await expect(
      open({}, [{ ...first, offer: { ...first.offer, panel: false } }, second, third]),
    ).to.be.revertedWithCustomError(panels, 'CourtOtherOffer')
  })
})
