/**
 * Signed groups of a world's streams, and the transactions that settle them.
 *
 * @module
 */
import { type Address, BaseError, decodeFunctionResult, encodeFunctionData, type Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Claim, encodeAttestation } from '#protocol/attestation.ts'
import { batchRoot, encodeBatch, type Group, groupHash, sortGroups, tallyOfGroup } from '#protocol/batch.ts'
import { acknowledgementDigest, attestationDigest, forceDigest, tallyDigest } from '#protocol/eip712.ts'
import { signCompact } from '#protocol/signature.ts'
import { Lane, Mode, type Tally } from '#protocol/types.ts'

import { settlementDomain } from './actors.ts'
import { type Chain, COMMITTEE, MAX_TX_GAS } from './chain.ts'
import { keyOf } from './random.ts'
import { type StreamPlan, sum } from './workload.ts'
import type { OpenDeal, World } from './world.ts'

/** A group and what it was signed for. */
export type SignedGroup = { readonly plan: StreamPlan; readonly group: Group; readonly tally: Tally }

/** One call of `settle`. */
export type SettleCall = {
  readonly groups: readonly SignedGroup[]
  readonly lane: Lane
  readonly batch: Hex
  readonly root: Hex
  readonly data: Hex
}

/** How a bench's batches get their authority. */
export type Authority = 'committee' | 'none' | { readonly forcedBy: Hex }

/** What public nodes take in one transaction, less room for its envelope. */
const MAX_DATA_BYTES = 120 * 1024 - 256
const FIRST_EPOCH = 1

/** The deal of a stream. */
export function dealOf(world: World, plan: StreamPlan): OpenDeal {
  const deal = world.deals[plan.deal]
  if (deal === undefined) throw new Error(`no deal ${plan.deal}`)
  return deal
}

/** Signs what round `round` brings to every stream of `streams`, in a batch's order. */
export function signRound(
  world: World,
  round: number,
  lane: Lane = Lane.Attested,
  streams: readonly StreamPlan[] = world.workload.streams,
): SignedGroup[] {
  const signed = streams.map((plan) => signGroup(world, plan, round, lane))
  const byGroup = new Map(signed.map((one) => [one.group, one]))
  return sortGroups(signed.map(({ group }) => group)).flatMap((group) => byGroup.get(group) ?? [])
}

function signGroup(world: World, plan: StreamPlan, round: number, lane: Lane): SignedGroup {
  const { chain, seed, workers } = world
  const deal = dealOf(world, plan)
  const before = plan.rounds.slice(0, round).flat()
  const receipts = plan.rounds[round] ?? []
  const unsigned = {
    dealId: deal.id,
    stream: plan.stream,
    worker: workers[plan.worker] ?? 0,
    first: before.length,
    receipts,
  }
  const units = sum([...before, ...receipts].map((receipt) => receipt.units))
  const tally = tallyOfGroup({ ...unsigned, signature: '0x' }, deal.key, units)
  const domain = settlementDomain(chain)
  const signature = signCompact(tallyDigest(tally, domain), keyOf(seed, 'worker', plan.worker))
  if (lane !== Lane.Acknowledged) return { plan, tally, group: { ...unsigned, signature } }
  const buyer = world.workload.deals[plan.deal]?.buyer ?? 0
  const acknowledgement = signCompact(acknowledgementDigest(tally, domain), keyOf(seed, 'acknowledgements', buyer))
  return { plan, tally, group: { ...unsigned, signature, acknowledgement } }
}

/**
 * Fewest attested calls of about equal size that settle `groups`, none above what public nodes take in bytes and what a
 * transaction may use in gas.
 *
 * @throws Error when a group would be skipped or clamped.
 */
export async function splitCalls(world: World, groups: readonly SignedGroup[]): Promise<SettleCall[]> {
  for (let count = 1; count <= groups.length; count += 1) {
    const size = Math.ceil(groups.length / count)
    const parts = Array.from({ length: count }, (_, part) => groups.slice(part * size, (part + 1) * size))
    const calls = parts
      .filter((part) => part.length > 0)
      .map((part) => settleCall(world, part, Lane.Attested, 'committee'))
    if (calls.some(({ data }) => (data.length - 2) / 2 > MAX_DATA_BYTES)) continue
    const fits = await Promise.all(calls.map((call) => foresee(world, call)))
    if (fits.every((fit) => fit)) return calls
  }
  throw new Error('one group alone does not fit a transaction')
}

/** Whether a call fits a transaction's gas; groups that would not apply in full are an error. */
async function foresee({ chain, submitter }: World, { data, groups }: SettleCall): Promise<boolean> {
  const answer = await foreseen(chain, submitter.address, data)
  if (answer === undefined) return false
  const outcomes = decodeFunctionResult({ abi: settlementAbi, functionName: 'settle', data: answer })
  if (outcomes !== `0x${'00'.repeat(groups.length)}`) throw new Error(`outcomes would be ${outcomes}`)
  return true
}

async function foreseen({ reader, deployment }: Chain, account: Address, data: Hex): Promise<Hex | undefined> {
  try {
    return (await reader.call({ account, to: deployment.settlement, data, gas: MAX_TX_GAS })).data
  } catch (error) {
    if (error instanceof BaseError && /out ?of ?gas|OOG/i.test(`${error.message} ${error.details}`)) return undefined
    throw error
  }
}

/** One call that settles `groups`. */
export function settleCall(world: World, groups: readonly SignedGroup[], lane: Lane, authority: Authority): SettleCall {
  const batch = encodeBatch({ mode: Mode.Calldata, lane, groups: groups.map(({ group }) => group) })
  const root = batchRoot(groups.map(({ tally }) => groupHash(tally)))
  const args = [batch, authorityBytes(world, root, authority)] as const
  return { groups, lane, batch, root, data: encodeFunctionData({ abi: settlementAbi, functionName: 'settle', args }) }
}

function authorityBytes({ chain, seed, submitter }: World, root: Hex, authority: Authority): Hex {
  if (authority === 'none') return '0x'
  if (authority !== 'committee') {
    const force = { root, sender: submitter.address }
    return signCompact(forceDigest(force, settlementDomain(chain)), authority.forcedBy)
  }
  const domain = { chainId: chain.chainId, verifyingContract: chain.deployment.committee }
  const claims = Claim.Tallies | Claim.ReExecuted | Claim.Retrievable
  const digest = attestationDigest({ epoch: FIRST_EPOCH, root, claims }, domain)
  const signatures = Array.from({ length: COMMITTEE.threshold }, (_, index) => ({
    index,
    signature: signCompact(digest, keyOf(seed, 'member', index)),
  }))
  return encodeAttestation({ epoch: FIRST_EPOCH, claims, signatures })
}
