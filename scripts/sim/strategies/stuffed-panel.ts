/**
 * Panels in which all seats but one are the adversary's.
 *
 * @module
 */
import { shownSigned } from '#protocol/courts.ts'
import { encodeReceipts } from '#protocol/receipts.ts'

import type { Random } from '../../bench/random.ts'
import { shownInBatch } from '../demands.ts'
import { freeArbiter, fundDisputes, refuteBySilence } from '../games.ts'
import { holdPanel, type Seat, unpay } from '../panels.ts'
import { payOut, type Settled } from '../reports.ts'
import { DOLLAR, NOBODY, PRICE, STAKE, unitsWorth } from '../rogue.ts'
import type { Party, Provider, Scene, Signed, SimDeal } from '../scene.ts'
import type { Cast, Strategy } from '../strategy.ts'
import { receiptFor } from '../tasks.ts'

/** Seats of the adversary: with the honest one as many as a panel of three is drawn from where minorities are slashed. */
const OWN_SEATS = 5
const HONEST_SEAT = 0

type PanelCast = Cast & { readonly buyer: Party; readonly watcher: Party; readonly deals: readonly SimDeal[] }

/** One honest provider, five of one hand, and a deal of one buyer with each. */
async function seated(scene: Scene): Promise<PanelCast & { readonly own: readonly Provider[] }> {
  const honest = await scene.provider('honest', 1_000n * STAKE)
  const own: Provider[] = []
  for (let seat = 0; seat < OWN_SEATS; seat += 1) own.push(await scene.provider(`own ${seat}`, 1_000n * STAKE))
  const buyer = await scene.buyer('buyer', 3_000n * DOLLAR)
  const watcher = await scene.party('watcher')
  await fundDisputes(scene, watcher)
  const arbiter = await freeArbiter(scene)
  const deals: SimDeal[] = []
  const choice = { budget: 500n * DOLLAR, price: PRICE, panel: true, arbiter }
  for (const provider of [honest, ...own]) deals.push(await scene.open(buyer, provider, choice))
  return { buyer, watcher, deals, own, adversary: NOBODY, victims: NOBODY }
}

/** What every seat says it did: the honest one found another result than the others, which agree. */
function doneBy(deals: readonly SimDeal[], worth: { readonly units: bigint; readonly own: bigint }, random: Random) {
  const [inputRoot, right, agreed] = [random.bytes32(), random.bytes32(), random.bytes32()]
  return deals.map((deal, seat) => {
    const order = { dealKey: deal.key, index: 0n, inputRoot, maxUnits: worth.units }
    const isHonest = seat === HONEST_SEAT
    return { deal, done: receiptFor(order, isHonest ? worth.units : worth.own, random, isHonest ? right : agreed) }
  })
}

const ALL = Array.from({ length: OWN_SEATS + 1 }, (_, seat) => seat)
const seatOf = (settled: Settled): Pick<Seat, 'shown'> => ({ shown: shownInBatch(settled.batch, settled.signed, 0) })

/** A provider outvotes the honest one with seats of its own. */
export const stuffedPanel: Strategy<PanelCast> = {
  name: 'stuffed panel',
  plan: 'fills five of six seats of a panel, agrees with itself on a result nobody computed, and is paid five times',
  prepare: async (scene) => {
    const cast = await seated(scene)
    const [honest] = cast.deals
    if (honest === undefined) throw new Error('nobody is honest')
    return {
      ...cast,
      adversary: { ...NOBODY, providers: cast.own },
      victims: { ...NOBODY, parties: [cast.buyer], providers: [honest.provider], deals: cast.deals },
    }
  },
  play: async (scene, { buyer, watcher, deals, adversary }, random) => {
    const units = unitsWorth(random, 1, 100)
    const [by] = adversary.providers
    if (by === undefined) throw new Error('nobody cheats')
    return async (isDetected) => {
      const done = doneBy(deals, { units, own: units }, random)
      const all = done.map((one) => scene.sign(one.deal, 0, 0, 0n, [one.done.receipt]))
      const batch = await scene.settle(...all)
      const seats = done.map((one, seat) => {
        const settled = { batch, signed: all[seat] as Signed }
        return { ...one, ...seatOf(settled), settled }
      })
      const ended = await holdPanel(scene, buyer, seats, { taking: ALL, by })
      const honest = seats[HONEST_SEAT]
      // the buyer believes the panel; one that knows better asks for nothing of the kind, and cannot keep others from it
      if (honest !== undefined && ended.drawn.includes(HONEST_SEAT)) await unpay(scene, by, ended, HONEST_SEAT, honest)
      if (isDetected) await payOut(scene, await refuteBySilence(scene, watcher, seats.slice(1)))
      await scene.passHours(scene.hoursToMature)
    }
  },
}

/** A buyer outvotes the honest one, to have its work for nothing. */
export const outvotedProvider: Strategy<PanelCast> = {
  name: 'outvoted provider',
  plan: 'as a buyer, fills a panel with its own providers to have an honest one unpaid; that one looks who sits there',
  prepare: async (scene) => {
    const cast = await seated(scene)
    const [honest] = cast.deals
    if (honest === undefined) throw new Error('nobody is honest')
    return {
      ...cast,
      adversary: { ...NOBODY, parties: [cast.buyer], providers: cast.own, deals: cast.deals },
      victims: { ...NOBODY, providers: [honest.provider] },
    }
  },
  play: async (scene, { buyer, deals }, random) => {
    const units = unitsWorth(random, 1, 100)
    const done = doneBy(deals, { units, own: 1n }, random)
    const worked = done[HONEST_SEAT]
    if (worked === undefined) throw new Error('nobody works')
    const signed = scene.sign(worked.deal, 0, 0, 0n, [worked.done.receipt])
    // what honest work costs is no loss of a buyer's: only having it back is a gain
    const settled = { batch: await scene.settle(signed), signed }
    return async (isDetected) => {
      const seats = done.map((one, seat) =>
        seat === HONEST_SEAT ? { ...one, ...seatOf(settled) } : unsettled(scene, one),
      )
      const taking = ALL.filter((seat) => seat !== HONEST_SEAT || !isDetected)
      const ended = await holdPanel(scene, buyer, seats, { taking, by: buyer })
      const honest = seats[HONEST_SEAT]
      if (honest !== undefined && ended.drawn.includes(HONEST_SEAT))
        await unpay(scene, buyer, ended, HONEST_SEAT, honest)
      await scene.passHours(scene.hoursToMature)
    }
  },
}

/** A seat whose receipt is signed and never settled: it costs nobody anything. */
function unsettled(scene: Scene, one: Omit<Seat, 'shown'>): Seat {
  const { tally, group } = scene.sign(one.deal, 0, 0, 0n, [one.done.receipt])
  return { ...one, shown: shownSigned(tally, group.worker, group.signature, encodeReceipts(group.receipts), 0) }
}
