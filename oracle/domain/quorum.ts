/**
 * Who proposes when, and what to do with a committee's answers.
 *
 * @module
 */
import type { Hex } from 'viem'

/** A member's answer to a proposal; `silent` when it could not be reached or answered something else. */
export type Answer =
  | { readonly kind: 'signed'; readonly member: number; readonly signature: Hex }
  | { readonly kind: 'refused'; readonly member: number; readonly groups: ReadonlyMap<number, string> }
  | { readonly kind: 'silent'; readonly member: number; readonly reason: string }

/** Member whose turn it is in the slot of `timestamp` (unix seconds of a block). */
export function leaderAt(timestamp: bigint, slotSeconds: number, members: number): number {
  return Number((timestamp / BigInt(slotSeconds)) % BigInt(members))
}

/**
 * Whether a member may propose now: the leader at once, the others one after another when work stays overdue.
 *
 * @param turn - `overdueMs`: how long the oldest work is past its deadline; `takeoverMs`: head start of each rank.
 */
export function mayPropose(turn: {
  readonly member: number
  readonly leader: number
  readonly members: number
  readonly overdueMs: number
  readonly takeoverMs: number
}): boolean {
  const rank = (turn.member - turn.leader + turn.members) % turn.members
  return rank === 0 || turn.overdueMs >= rank * turn.takeoverMs
}

/** The signatures to attest with: the first `threshold` by rising member, or null if there are too few. */
export function quorum(answers: readonly Answer[], threshold: number): { index: number; signature: Hex }[] | null {
  const signed = answers.flatMap((answer) =>
    answer.kind === 'signed' ? [{ index: answer.member, signature: answer.signature }] : [],
  )
  if (signed.length < threshold) return null
  return signed.sort((a, b) => a.index - b.index).slice(0, threshold)
}

/**
 * Groups to leave out before asking again, with the reason first given.
 *
 * A group that fewer than `threshold` reachable members stand behind can never be attested now. If each one has enough
 * support but no set of members agrees on all, the one refused most goes.
 */
export function groupsToDrop(answers: readonly Answer[], groups: number, threshold: number): Map<number, string> {
  const reachable = answers.filter((answer) => answer.kind !== 'silent').length
  const refusals = new Map<number, { count: number; reason: string }>()
  for (const answer of answers) {
    if (answer.kind !== 'refused') continue
    for (const [group, reason] of answer.groups) {
      if (group >= groups) continue
      const before = refusals.get(group)
      refusals.set(group, { count: (before?.count ?? 0) + 1, reason: before?.reason ?? reason })
    }
  }
  const ranked = [...refusals].sort(([, a], [, b]) => b.count - a.count)
  const hopeless = ranked.filter(([, { count }]) => reachable - count < threshold)
  const dropped = hopeless.length > 0 ? hopeless : ranked.slice(0, 1)
  return new Map(dropped.map(([group, { reason }]) => [group, reason]))
}
