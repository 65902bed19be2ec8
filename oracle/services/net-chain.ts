/**
 * The chain with what it keeps of netted deals as a root only: their streams, and what is left of their budgets.
 *
 * @module
 */
import { Mode } from '#protocol/types.ts'
import { type DealFacts, DealState } from '../domain/facts.ts'
import type { Chain } from '../ports.ts'
import type { NetBook } from './net-book.ts'

/** Creates the chain port that knows netted deals like all others. */
export function withNets(chain: Chain, book: Pick<NetBook, 'cells'>): Chain {
  /** Netted deals by id, as they were read last: whose streams the chain does not have. */
  const netted = new Map<number, Pick<DealFacts, 'key' | 'streams'>>()

  function completed(id: number, deal: DealFacts, at?: bigint): DealFacts {
    if (deal.mode !== Mode.Net) {
      if (deal.state !== DealState.None) netted.delete(id)
      return deal
    }
    const { key, streams, budget, price } = deal
    netted.set(id, { key, streams })
    if (deal.state === DealState.Closed) return deal
    const units = book.cells({ id, key, streams }, at).reduce((sum, cell) => sum + cell.units, 0n)
    const due = units * price
    return { ...deal, remaining: due < budget ? budget - due : 0n }
  }

  const deal: Chain['deal'] = async (id, at) => completed(id, await chain.deal(id, at), at)

  const stream: Chain['stream'] = async (id, index, at) => {
    const onChain = await chain.stream(id, index, at)
    const known = netted.get(id)
    const cell = known === undefined ? undefined : book.cells({ id, ...known }, at)[index]
    return cell === undefined ? onChain : { ...onChain, count: cell.cursor, units: cell.units }
  }

  return {
    ...chain,
    deal,
    stream,
    async facts(group) {
      const facts = await chain.facts(group)
      const whole = completed(group.dealId, facts.deal)
      if (whole.mode !== Mode.Net) return facts
      const { key, streams } = whole
      const cell = book.cells({ id: group.dealId, key, streams })[group.stream]
      const stream = cell === undefined ? facts.stream : { ...facts.stream, count: cell.cursor, units: cell.units }
      return { ...facts, deal: whole, stream }
    },
  }
}
