/**
 * What must hold after every figure: each receipt was settled, unclamped, and what deals paid is what providers and fees
 * received.
 *
 * @module
 */
import { type Address, type Hex, parseEventLogs } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Mode } from '#protocol/types.ts'

import { heldBy, PRICE } from './actors.ts'
import { dealOf, type SettleCall } from './batches.ts'
import type { Chain, Mined } from './chain.ts'
import { sum } from './workload.ts'
import type { World } from './world.ts'

/** Where the money stands, in settlement token base units. */
export type Books = { readonly paid: bigint; readonly credited: bigint; readonly fees: bigint }

/** Reads the books of a world's deals and providers, and checks that the settlement holds what it accounts for. */
export async function readBooks(world: World): Promise<Books> {
  const { chain, deals, providers, buyers, others } = world
  const { reader, deployment } = chain
  const settlement = { address: deployment.settlement, abi: settlementAbi } as const
  const [open, accounts, earnings, fees, tokens] = await Promise.all([
    remainingOf(world),
    Promise.all(buyers.map((buyer) => reader.readContract({ ...settlement, functionName: 'account', args: [buyer] }))),
    Promise.all(providers.map((id) => reader.readContract({ ...settlement, functionName: 'earnings', args: [id] }))),
    reader.readContract({ ...settlement, functionName: 'fees' }),
    heldBy(chain),
  ])
  const credited = sum(earnings.map(({ claimable, unmatured }) => claimable + unmatured))
  const held = open + sum(accounts.map(([free]) => free)) + credited + sum(fees) + others
  must(held === tokens, `the settlement accounts for ${held} and holds ${tokens}`)
  return { paid: sum(deals.map(({ budget }) => budget)) - open, credited, fees: sum(fees) }
}

/** What deals have left of their budgets; of netted ones the chain knows only what a buyer's have together. */
async function remainingOf({ chain, mode, deals, buyers }: World): Promise<bigint> {
  const { reader, deployment } = chain
  const settlement = { address: deployment.settlement, abi: settlementAbi } as const
  if (mode === Mode.Net) {
    const read = (buyer: Address) => reader.readContract({ ...settlement, functionName: 'netBuyer', args: [buyer] })
    return sum((await Promise.all(buyers.map(read))).map(([, , , netted]) => netted))
  }
  const read = (id: number) => reader.readContract({ ...settlement, functionName: 'deal', args: [id] })
  return sum((await Promise.all(deals.map(({ id }) => read(id)))).map(({ remaining }) => remaining))
}

/** Checks one mined call: every group applied, every stream where its tally says. */
export async function checkSettled(world: World, call: SettleCall, mined: Mined): Promise<void> {
  const [event] = parseEventLogs({ abi: settlementAbi, eventName: 'Settled', logs: mined.receipt.logs })
  must(event !== undefined && event.args.root === call.root, 'the chain settled another root')
  must(event?.args.applied === allOf(call.groups.length), `groups were skipped: ${event?.args.applied}`)
  const streams = await Promise.all(call.groups.map(({ group }) => readStream(world.chain, group.dealId, group.stream)))
  for (const [place, { tally, group }] of call.groups.entries()) {
    const [count, units] = streams[place] ?? [0, 0]
    const holds = count === tally.count && BigInt(units) === tally.units
    must(holds, `stream ${group.dealId}/${group.stream} stands at ${count} receipts, ${units} units`)
  }
}

/**
 * Checks that the calls' receipts, and nothing else, moved money between two readings of the books.
 *
 * A clamped group would have paid less than its units.
 */
export function checkMoved(
  world: World,
  calls: readonly Pick<SettleCall, 'groups'>[],
  before: Books,
  after: Books,
): void {
  const receipts = calls.flatMap(({ groups }) => groups.flatMap(({ group }) => group.receipts))
  const due = sum(receipts.map(({ units }) => units)) * PRICE
  const paid = after.paid - before.paid
  const received = after.credited + after.fees - before.credited - before.fees
  must(paid === due, `deals paid ${paid} for ${due} of work`)
  must(received === paid, `deals paid ${paid}, providers and fees received ${received}`)
  for (const { groups } of calls) for (const { plan } of groups) must(dealOf(world, plan).budget > 0n, 'no budget')
}

async function readStream(chain: Chain, id: number, stream: number): Promise<readonly [number, number, number]> {
  const { reader, deployment } = chain
  return reader.readContract({
    address: deployment.settlement,
    abi: settlementAbi,
    functionName: 'stream',
    args: [id, stream],
  })
}

/** The bitmap in which each of `count` groups applied. */
function allOf(count: number): Hex {
  const bytes = new Uint8Array(Math.ceil(count / 8))
  for (let index = 0; index < count; index += 1) bytes[index >> 3] = (bytes[index >> 3] ?? 0) | (1 << (index & 7))
  return `0x${Buffer.from(bytes).toString('hex')}`
}

/** @throws Error with `problem` when `holds` is false. */
export function must(holds: boolean, problem: string): void {
  if (!holds) throw new Error(problem)
}
