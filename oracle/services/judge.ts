/**
 * Whether the chain would apply these groups, one after the other, if they settled now.
 *
 * @module
 */
import type { Hex } from 'viem'

import type { Domain } from '#protocol/eip712.ts'
import { totalUnits } from '#protocol/receipts.ts'
import { amountDue } from '#protocol/rules.ts'
import { firstFailure, readyChecks } from '../domain/checks.ts'
import type { ChainFacts, ReadyFacts } from '../domain/facts.ts'
import { type BareSegment, tallyOf } from '../domain/segment.ts'
import type { Chain } from '../ports.ts'

/** A group to judge; `signature` is the one that would go to the chain. */
export type JudgedGroup = {
  readonly segment: BareSegment
  readonly signature: Hex
  readonly acknowledged: boolean
}

/** Units of the receipts past the chain's cursor. */
export function suffixUnits(segment: BareSegment, cursor: number): bigint {
  return totalUnits(segment.receipts.slice(Math.max(0, cursor - segment.first)))
}

/**
 * First failing check of each group, null where all pass. Groups share budgets and cover: each one is judged with what
 * those before it would leave.
 */
export async function judgeGroups(
  chain: Pick<Chain, 'facts'>,
  domain: Domain,
  groups: readonly JudgedGroup[],
): Promise<(string | null)[]> {
  const facts = await Promise.all(groups.map(({ segment }) => chain.facts(segment)))
  const spent = createSums()
  const vouched = createSums()
  const earned = createSums()
  return groups.map((group, index) => {
    const own = facts[index]
    if (own === undefined) return 'deal.open'
    const { dealId } = group.segment
    const { provider } = own.deal
    const ready = readyFacts(group, domain, {
      ...own,
      deal: {
        ...own.deal,
        remaining: own.deal.remaining - spent.of(dealId),
        allowance: own.deal.allowance + vouched.of(dealId),
      },
      room: larger(0n, own.room - earned.of(provider)),
    })
    const failure = firstFailure(readyChecks, ready)
    if (failure !== null) return failure.name
    const amount = amountDue(ready.suffixUnits, ready.deal.price, ready.deal.remaining)
    spent.add(dealId, amount)
    if (group.acknowledged) vouched.add(dealId, larger(0n, ready.tally.units - ready.stream.acknowledged))
    else earned.add(provider, amount)
    return null
  })
}

/** Facts of one group for {@link readyChecks}. */
export function readyFacts(group: JudgedGroup, domain: Domain, facts: ChainFacts): ReadyFacts {
  return {
    ...facts,
    tally: tallyOf(group.segment),
    signature: group.signature,
    domain,
    suffixUnits: suffixUnits(group.segment, facts.stream.count),
    acknowledged: group.acknowledged,
  }
}

function createSums() {
  const sums = new Map<number, bigint>()
  const of = (id: number) => sums.get(id) ?? 0n
  return { of, add: (id: number, amount: bigint) => void sums.set(id, of(id) + amount) }
}

const larger = (a: bigint, b: bigint) => (a > b ? a : b)
