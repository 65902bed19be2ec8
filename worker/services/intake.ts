/**
 * Takes orders in: asks the members for them, or is handed them. What is stored has passed every check.
 *
 * @module
 */
import type { Domain } from '#protocol/eip712.ts'
import { DealState } from '#protocol/types.ts'
import type { FaultPoints } from '#runtime/fault-points.ts'
import type { Logger } from '#runtime/log.ts'

import type { Members } from '../adapters/members.ts'
import { checkOrder, unsupportedReason } from '../domain/orders.ts'
import { type ChainView, type DealFacts, type Fleet, streamOf, streamsServed } from '../domain/view.ts'
import { WorkerError } from '../errors.ts'
import type { SignedOrder } from '../rows.ts'
import type { PlacedOrder, WorkerStore } from '../store.ts'
import type { Board } from './board.ts'

/** Orders asked for at a time. */
const PAGE = 500
/** Every so many polls the members are asked from index 0, as a buyer may place low indexes late. */
const FULL_SCAN_EVERY = 60

/** Takes orders in. */
export type Intake = {
  /**
   * Checks and stores orders; all or none.
   *
   * @returns How many are new.
   * @throws WorkerError `order.*` naming the first order in the way, `orders.full`, `chain.unknown` before the first view.
   */
  accept(orders: readonly SignedOrder[]): number
  /** Asks every member for the orders of every open deal. */
  poll(signal: AbortSignal): Promise<void>
}

/** Creates the intake of one worker; `onOrders` is called after new orders are stored. */
export function createIntake(options: {
  readonly store: WorkerStore
  readonly board: Board
  readonly members: Members
  readonly domain: Domain
  readonly fleet: Fleet
  readonly maxOpenOrders: number
  readonly faults: FaultPoints
  readonly log: Logger
  readonly onOrders: () => void
}): Intake {
  const { store, board, members, domain, fleet, faults, log } = options
  let polls = 0

  function place(order: SignedOrder): PlacedOrder {
    const view = board.view()
    if (view === null) throw new WorkerError('chain.unknown', 'the chain was not read yet')
    const { deal, stream } = checkOrder(order, view, fleet, domain)
    return { order, stream, dealId: deal.id }
  }

  function accept(orders: readonly SignedOrder[]): number {
    const fresh = orders.filter((order) => !store.hasOrder(order))
    const placed = fresh.map(place)
    for (const key of new Set(fresh.map((order) => order.dealKey))) {
      const added = fresh.filter((order) => order.dealKey === key).length
      if (store.countOpenOrders(key) + added > options.maxOpenOrders) {
        throw new WorkerError('orders.full', `deal ${key} has too many orders waiting`)
      }
    }
    if (placed.length === 0) return 0
    store.addOrders(placed)
    faults.hit('order.stored')
    options.onOrders()
    return placed.length
  }

  /** Takes one order of a member; false when there is no room for more. */
  function acceptOne(endpoint: string, order: SignedOrder): boolean {
    try {
      accept([order])
      return true
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error
      board.refuse(endpoint, error.code, error.message)
      return error.code !== 'orders.full'
    }
  }

  /** One bad order of a member must not keep the others out. */
  function acceptEach(endpoint: string, orders: readonly SignedOrder[]): void {
    try {
      accept(orders)
    } catch {
      orders.every((order) => acceptOne(endpoint, order))
    }
  }

  async function pollDeal(endpoint: string, deal: DealFacts, isFull: boolean, signal: AbortSignal): Promise<void> {
    const served = new Set(streamsServed(deal.terms.streams, fleet))
    const highest = isFull ? null : store.highestOrder(deal.key)
    for (let from = highest === null ? 0n : highest + 1n; ; ) {
      const page = await members.orders(endpoint, deal.key, from, PAGE, signal)
      const last = page.at(-1)
      acceptEach(
        endpoint,
        page.filter((order) => order.dealKey === deal.key && served.has(streamOf(order.index, deal.terms.streams))),
      )
      // an answer that does not rise would be asked for without end
      if (last === undefined || last.index < from || page.length < PAGE) return
      from = last.index + 1n
    }
  }

  async function pollMember(
    endpoint: string,
    deals: readonly DealFacts[],
    isFull: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      for (const deal of deals) await pollDeal(endpoint, deal, isFull, signal)
    } catch (error) {
      if (!signal.aborted) log.debug({ err: error, endpoint }, 'orders could not be read')
    }
  }

  return {
    accept,
    async poll(signal) {
      const view = board.view()
      if (view === null) return
      const isFull = polls++ % FULL_SCAN_EVERY === 0
      const deals = [...view.deals.values()].filter((deal) => takesOrders(deal, view))
      for (const endpoint of view.endpoints) {
        await pollMember(endpoint, deals, isFull, signal)
      }
    },
  }
}

function takesOrders(deal: DealFacts, view: ChainView): boolean {
  return deal.state === DealState.Open && view.clock < deal.end && unsupportedReason(deal) === null
}
