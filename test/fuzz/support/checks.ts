/**
 * What must hold of everybody's money and every stream, after any batch.
 *
 * @module
 */
import { remainingOf, withinAllowance } from '#protocol/rules.ts'

import { type Accounts, owed, unitsOf } from './accounts.ts'
import type { World } from './world.ts'
import type { Chosen } from './world-batches.ts'

const BPS = 10_000n

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
 * What is wrong with the change that a batch made: streams move only as their groups say, and what a deal loses its own
 * provider and the fees get.
 *
 * @param moved - The groups that moved their streams.
 * @param feeBps - Of both fees together.
 */
export function wrongChange(before: Accounts, after: Accounts, moved: readonly Chosen[], feeBps: number): string[] {
  const found = [...wrongMoves(before, after, moved), ...wrongPay(before, after, BigInt(feeBps))]
  if (after.free !== before.free || after.tokens !== before.tokens) found.push('free money or tokens changed')
  return found
}

function wrongMoves(before: Accounts, after: Accounts, moved: readonly Chosen[]): string[] {
  const found: string[] = []
  const expected = new Map(moved.map(({ segment }) => [`${segment.deal.id}/${segment.tally.stream}`, segment.tally]))
  for (const [id, deal] of before.deals) {
    const now = after.deals.get(id)
    if (now === undefined) throw new Error(`deal ${id} is gone`)
    deal.streams.forEach((stream, index) => {
      const tally = expected.get(`${id}/${index}`)
      const { count, units } = tally ?? stream
      const is = now.streams[index]
      if (is?.count !== count || is.units !== units)
        found.push(`stream ${id}/${index} is at ${is?.count}, ${is?.units}`)
      if (tally !== undefined && count <= stream.count) found.push(`stream ${id}/${index} did not move on`)
    })
  }
  return found
}

/** A provider gets what its deals lose, less fees of what became claimable, and no other provider gets anything. */
function wrongPay(before: Accounts, after: Accounts, feeBps: bigint): string[] {
  const found: string[] = []
  let fees = 0n
  for (const [id, was] of before.providers) {
    const is = after.providers.get(id)
    if (is === undefined) throw new Error(`provider ${id} is gone`)
    const lost = lostBy(id, before, after)
    const claimable = is.claimable - was.claimable
    const fee = lost - claimable - (is.unmatured - was.unmatured)
    fees += fee
    if (fee < 0n || fee * BPS > feeBps * (claimable + fee))
      found.push(`deals of provider ${id} lost ${lost}, of which ${fee} went elsewhere`)
  }
  if (after.fees - before.fees !== fees) found.push(`${fees} left the deals as fees, ${after.fees - before.fees} came`)
  return found
}

/** What a provider's deals have left less than before. */
function lostBy(provider: number, before: Accounts, after: Accounts): bigint {
  let lost = 0n
  for (const [id, deal] of before.deals) {
    if (deal.provider === provider) lost += deal.remaining - (after.deals.get(id)?.remaining ?? 0n)
  }
  return lost
}

/** Whether a worker of the deal's provider that may still sign made this very group. */
export function isSigned({ segment, worker, signature }: Chosen, { sharedIndexes, revoked }: World): boolean {
  const { group, kind } = segment
  const isMember = worker === group.worker || worker === sharedIndexes.get(group.worker)
  return kind !== 'stranger' && group.worker !== revoked && signature === group.signature && isMember
}
