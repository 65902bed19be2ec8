/**
 * What must hold of everybody's money and every stream, after any batch.
 *
 * @module
 */
import { remainingOf, withinAllowance } from '#protocol/rules.ts'

import { type Accounts, owed, unitsOf } from './accounts.ts'
import type { World } from './world.ts'
import type { Chosen } from './world-batches.ts'

/** What does not hold of the accounts by themselves. */
export function unsound(accounts: Accounts): string[] {
  const found: string[] = []
  const sum = owed(accounts)
  if (sum !== accounts.tokens) found.push(`${sum} is owed and ${accounts.tokens} is there`)
  for (const [id, deal] of accounts.deals) {
    if (deal.isOver) continue
    const { budget, price, remaining, allowance } = deal
    const units = unitsOf(deal)
    if (remaining !== remainingOf(budget, price, units))
      found.push(`deal ${id} has ${remaining} left of ${units} units`)
    if (!withinAllowance(budget, price, units, allowance)) found.push(`deal ${id} paid ${units} units of ${allowance}`)
  }
  for (const [id, { unmatured, cover }] of accounts.providers) {
    if (unmatured > cover) found.push(`provider ${id} has ${unmatured} unmatured and ${cover} of cover`)
  }
  return found
}

/**
 * What is wrong with the change that a batch made: streams move only as their groups say, and what deals lose their
 * providers and the fees get.
 *
 * @param moved - The groups that moved their streams.
 */
export function wrongChange(before: Accounts, after: Accounts, moved: readonly Chosen[]): string[] {
  const found: string[] = []
  const expected = new Map(moved.map(({ segment }) => [`${segment.deal.id}/${segment.tally.stream}`, segment.tally]))
  let paid = 0n
  for (const [id, deal] of before.deals) {
    const now = after.deals.get(id)
    if (now === undefined) throw new Error(`deal ${id} is gone`)
    paid += deal.remaining - now.remaining
    deal.streams.forEach((stream, index) => {
      const tally = expected.get(`${id}/${index}`)
      const { count, units } = tally ?? stream
      const is = now.streams[index]
      if (is?.count !== count || is.units !== units)
        found.push(`stream ${id}/${index} is at ${is?.count}, ${is?.units}`)
      if (tally !== undefined && count <= stream.count) found.push(`stream ${id}/${index} did not move on`)
    })
  }
  const earned = ({ providers, fees }: Accounts): bigint =>
    [...providers.values()].reduce((sum, { unmatured, claimable }) => sum + unmatured + claimable, fees)
  if (earned(after) - earned(before) !== paid)
    found.push(`${paid} left the deals, ${earned(after) - earned(before)} came`)
  if (after.free !== before.free || after.tokens !== before.tokens) found.push('free money or tokens changed')
  return found
}

/** Whether a worker of the deal's provider that may still sign made this very group. */
export function isSigned({ segment, worker, signature }: Chosen, { sharedIndexes, revoked }: World): boolean {
  const { group, kind } = segment
  const isMember = worker === group.worker || worker === sharedIndexes.get(group.worker)
  return kind !== 'stranger' && group.worker !== revoked && signature === group.signature && isMember
}
