/**
 * Which lane acknowledged work takes: at once for more gas, or through the window with the rest.
 *
 * @module
 */
import { Lane } from '#protocol/types.ts'
import { type Route, shapeOf } from './batch-shape.ts'
import { estimate } from './cost-model.ts'
import { costNow, type FeeLevel } from './fees.ts'
import { longestPerStream, streamNumber, type Waiting } from './grouping.ts'
import { type BatchPolicy, payOf } from './plan.ts'

/** Candidates that settle in one batch; of several of a stream the longest that can. */
export type Kind<C extends Waiting = Waiting> = {
  readonly lane: Lane
  readonly claims: number
  readonly part: readonly C[]
}

/** Checks that hold work back in the attested lane alone: an acknowledged group brings its own exposure and needs no cover. */
const HELD_WHEN_ATTESTED: ReadonlySet<string | null> = new Set(['exposure', 'coverage'])

const BPS = 10_000n
const ETHER = 10n ** 18n

/**
 * Candidates by lane and by what can be claimed for them. A stream goes one way: with its longest acknowledged tally or
 * with its longest.
 *
 * Paying at once is what an acknowledgement is for, so it is done where the provider wishes it, where the attested lane
 * would refuse, and where nobody says what an ether is worth. Else its additional gas must be worth it.
 *
 * @param signatures - Committee signatures of an attested batch.
 */
export function byLane<C extends Waiting>(
  candidates: readonly C[],
  signatures: number,
  fees: FeeLevel,
  policy: BatchPolicy,
): Kind<C>[] {
  const acknowledged = longestPerStream(candidates.filter((candidate) => candidate.acknowledged))
  const [sure, open] = [acknowledged.filter(isSure), acknowledged.filter(isOpen)]
  const cost = (atOnce: readonly C[]) => costOfAll(kindsOf(candidates, atOnce), signatures, fees, policy)
  const worth = (payOf(open) * BigInt(policy.payAtOnceBps)) / BPS
  const isWorth = open.length > 0 && isCovered(cost([...sure, ...open]) - cost(sure), worth, policy)
  return kindsOf(candidates, isWorth ? [...sure, ...open] : sure)
}

/** Whether a wish or the attested lane's rules decide for paying at once. */
function isSure({ wish, check }: Waiting): boolean {
  return wish.payAtOnce === true || HELD_WHEN_ATTESTED.has(check)
}

/** Whether the additional gas decides. */
function isOpen(candidate: Waiting): boolean {
  return candidate.wish.payAtOnce === undefined && !isSure(candidate)
}

function isCovered(additional: bigint, worth: bigint, { etherPrice }: BatchPolicy): boolean {
  return etherPrice === null || additional * etherPrice <= worth * ETHER
}

/** Wei of settling all of it now, each kind once and in the mode that costs least. */
function costOfAll(kinds: readonly Kind[], signatures: number, fees: FeeLevel, policy: BatchPolicy): bigint {
  return kinds
    .map(({ lane, part }) =>
      policy.modes
        .map((mode) => estimate(shapeOf(longestPerStream(part), { ...routeOf(lane, signatures), mode }), policy.fork))
        .map((taken) => costNow(taken, fees))
        .reduce<bigint | null>((low, one) => (low === null || (one !== null && one < low) ? one : low), null),
    )
    .reduce<bigint>((sum, one) => sum + (one ?? 0n), 0n)
}

function kindsOf<C extends Waiting>(candidates: readonly C[], atOnce: readonly C[]): Kind<C>[] {
  const taken = new Set(atOnce.map(streamNumber))
  const isTaken = (candidate: C) => taken.has(streamNumber(candidate))
  const rest = candidates.filter((candidate) => !isTaken(candidate))
  const attested = [...Map.groupBy(rest, ({ claims }) => claims)].map(([claims, part]) => ({
    ...{ lane: Lane.Attested, claims, part },
  }))
  const part = candidates.filter((candidate) => candidate.acknowledged && isTaken(candidate))
  return part.length === 0 ? attested : [{ lane: Lane.Acknowledged, claims: 0, part }, ...attested]
}

/** A lane's route but for its mode. */
export function routeOf(lane: Lane, signatures: number): Omit<Route, 'mode'> {
  return { lane, signatures: lane === Lane.Attested ? signatures : 0 }
}
