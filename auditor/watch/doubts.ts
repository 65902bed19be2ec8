/**
 * Keeps watch over orders: asks members for what was settled, takes in what they show, and demands what nobody shows.
 *
 * @module
 */
import type { Address, PublicClient } from 'viem'

import type { Domain } from '#protocol/eip712.ts'
import type { SignedSegment } from '#protocol/wire.ts'
import type { Sender } from '#runtime/act-sender.ts'
import type { Book, BookDeal, BookGroup } from './book.ts'
import type { Knowledge } from './knowledge.ts'
import { approvalFor, demandFor, hasOrders, isDoubtful } from './order-doubts.ts'
import type { ReadInterval } from './places.ts'
import { readSigned, readWork, receiptsOfSegment } from './wire.ts'

/** Settled groups asked about in one step. */
const AT_ONCE = 20

/** Watches over orders of what settles. */
export type Doubts = {
  /** Takes in groups that were settled. */
  add(groups: readonly BookGroup[]): void
  /** Asks about those that nobody answered for, and demands the orders of those that are in doubt for too long. */
  step(book: Book, endpoints: readonly string[], readInterval: ReadInterval): Promise<void>
}

/** Creates the watch; with a `budget` of 0 nothing is demanded. */
export function createDoubts(options: {
  readonly client: PublicClient
  readonly sender: Sender
  readonly knowledge: Knowledge
  readonly domain: Domain
  /** Base URLs of workers who may say what they worked on. */
  readonly workers: readonly string[]
  readonly token: Address
  readonly demands: Address | undefined
  readonly budget: bigint
  readonly afterMs: number
  readonly nowMs: () => number
  readonly signal: AbortSignal
}): Doubts {
  const { sender, knowledge, demands, budget, nowMs, signal } = options
  const doubted = new Map<BookGroup, number>()

  /** Whether a member shows every order of the group. */
  async function isShown(book: Book, group: BookGroup, endpoints: readonly string[]): Promise<boolean> {
    const deal = book.deals.get(group.tally.tally.dealKey)
    for (const endpoint of endpoints) {
      if (isGood(await readSigned(endpoint, group.tally.hash, signal), deal)) return true
    }
    return isGood(await askWorkers(group), deal)
  }

  /** Takes in what a segment shows; whether it shows every order. */
  function isGood(shown: SignedSegment | null, deal: BookDeal | undefined): boolean {
    if (shown === null || deal === undefined) return false
    const receipts = receiptsOfSegment(shown)
    for (const receipt of receipts) knowledge.receipt(receipt)
    return receipts.length === shown.receipts.length && hasOrders(shown, deal, options.domain)
  }

  /** The group with what its workers say its receipts were made of; null where they do not say all of it. */
  async function askWorkers({ tally }: BookGroup): Promise<SignedSegment | null> {
    const { dealId, worker, signature, tally: signed } = tally
    const receipts: SignedSegment['receipts'] = []
    for (const receipt of tally.receipts ?? []) {
      const works = await Promise.all(options.workers.map((one) => readWork(one, receipt.workHash, signal)))
      const work = works.find((one) => one !== null)
      if (work == null) return null
      receipts.push({ ...receipt, work })
    }
    const { dealKey, stream, first, count, units } = signed
    return { dealId, dealKey, stream, first, count, units, worker, signature, receipts }
  }

  /** True once nothing is left to do about the group: its order is demanded, or there is no way to. */
  async function demand(book: Book, group: BookGroup, readInterval: ReadInterval): Promise<boolean> {
    if (demands === undefined || budget === 0n) return true
    const { client, token } = options
    const approval = await approvalFor(client, { token, owner: sender.address, demands, budget })
    if (approval !== null && (await sender.act(approval)) !== 'done') return false
    const act = await demandFor(book, group, demands, readInterval)
    return act === null || (await sender.act(act)) === 'done'
  }

  return {
    add(groups) {
      for (const group of groups) doubted.set(group, nowMs())
    },

    async step(book, endpoints, readInterval) {
      for (const [group, sinceMs] of [...doubted].slice(0, AT_ONCE)) {
        const deal = book.deals.get(group.tally.tally.dealKey)
        if (!isDoubtful(group, deal) || (await isShown(book, group, endpoints))) {
          doubted.delete(group)
        } else if (nowMs() - sinceMs >= options.afterMs && (await demand(book, group, readInterval))) {
          doubted.delete(group)
        }
      }
    },
  }
}
