/**
 * The solvency equation: what the ledger holds is the sum of what it owes.
 *
 * @module
 */
import { isNetted, remainingOf, type State, type Wheel } from './state.ts'

function owedTo(wheel: Wheel): bigint {
  let sum = wheel.claimable
  for (const buckets of [wheel.near, wheel.far]) for (const amount of buckets.values()) sum += amount
  return sum
}

/** Σ free + Σ remaining of other deals not closed + Σ netted + Σ unmatured + Σ claimable + fees + disputed, base units. */
export function sumOfParts(state: State): bigint {
  let sum = state.fees.protocol + state.fees.committee + state.disputed
  for (const { free } of state.accounts.values()) sum += free
  for (const deal of state.deals.values()) if (deal.closedAt === null && !isNetted(deal)) sum += remainingOf(deal)
  for (const { netted } of state.nets.buyers.values()) sum += netted
  for (const wheel of state.wheels.values()) sum += owedTo(wheel)
  return sum
}
