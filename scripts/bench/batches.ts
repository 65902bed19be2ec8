/**
 * Signed groups of a world's streams, and the transactions that settle them.
 *
 * @module
 */
import {
  type Address,
  BaseError,
  decodeFunctionResult,
  encodeFunctionData,
  type Hex,
  type PrivateKeyAccount,
} from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { encodeBatch, type Group, sortGroups } from '#protocol/batch.ts'
import { batchRoot, groupHash, tallyOfGroup } from '#protocol/batch-root.ts'
import { BlobError } from '#protocol/blob.ts'
import { packBlobBatch } from '#protocol/blob-batch.ts'
import { acknowledgementDigest, forceDigest, tallyDigest } from '#protocol/eip712.ts'
import { decodeFacts, moved } from '#protocol/facts.ts'
import { signCompact } from '#protocol/signature.ts'
import { Lane, Mode, Outcome, type Tally } from '#protocol/types.ts'
import { type CommittedBlob, commitBlobs } from '#runtime/blob-transaction.ts'

import { settlementDomain } from './actors.ts'
import { attestationOf } from './attestations.ts'
import { type Chain, COMMITTEE, KZG, MAX_TX_GAS } from './chain.ts'
import { keyOf } from './random.ts'
import { type StreamPlan, sum } from './workload.ts'
import type { OpenDeal, World } from './world.ts'

/** A group and what it was signed for. */
export type SignedGroup = { readonly plan: StreamPlan; readonly group: Group; readonly tally: Tally }

/** Modes that a bench can settle in. */
export type BenchMode = typeof Mode.Calldata | typeof Mode.Blob

/** One call of `settle`. */
export type SettleCall = {
  readonly groups: readonly SignedGroup[]
  readonly lane: Lane
  readonly batch: Hex
  readonly root: Hex
  readonly data: Hex
  readonly blobs: readonly CommittedBlob[]
}

/** How a bench's batches get their authority: `nobody` is an attestation without signatures, `none` no bytes at all. */
export type Authority = 'committee' | 'nobody' | 'none' | { readonly forcedBy: Hex }

/** How a batch is settled. */
export type Way = { readonly mode: BenchMode; readonly lane: Lane; readonly authority: Authority }

/** What public nodes take in one transaction, less room for its envelope. */
const MAX_DATA_BYTES = 128 * 1024 - 512

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
  const units = sum([...before, ...receipts].map((receipt) => receipt.units))
  const unsigned = {
    ...{ dealId: deal.id, stream: plan.stream, worker: workers[plan.worker] ?? 0, first: before.length },
    ...(deal.place === undefined ? {} : { place: deal.place }),
    ...{ units, receipts },
  }
  const tally = tallyOfGroup({ ...unsigned, signature: '0x' }, deal.key)
  const domain = settlementDomain(chain)
  const signature = signCompact(tallyDigest(tally, domain), keyOf(seed, 'worker', plan.worker))
  if (lane !== Lane.Acknowledged) return { plan, tally, group: { ...unsigned, signature } }
  const buyer = world.workload.deals[plan.deal]?.buyer ?? 0
  const acknowledgement = signCompact(acknowledgementDigest(tally, domain), keyOf(seed, 'acknowledgements', buyer))
  return { plan, tally, group: { ...unsigned, signature, acknowledgement } }
}

/**
 * Fewest attested calls of about equal size that settle `groups`, none above what public nodes take in bytes and blobs
 * and what a transaction may use in gas.
 *
 * @throws Error when a group would be skipped or clamped.
 */
export async function splitCalls(
  world: World,
  groups: readonly SignedGroup[],
  mode: BenchMode = Mode.Calldata,
): Promise<SettleCall[]> {
  const way = { mode, lane: Lane.Attested, authority: 'committee' } as const
  for (let count = 1; count <= groups.length; count += 1) {
    const size = Math.ceil(groups.length / count)
    const parts = Array.from({ length: count }, (_, part) => groups.slice(part * size, (part + 1) * size))
    const filled = parts.filter((part) => part.length > 0)
    if (mode === Mode.Blob && filled.some((part) => !fitsBlobs(part))) continue
    const calls = await Promise.all(filled.map((part) => settleCall(world, part, way)))
    if (calls.some(({ data }) => (data.length - 2) / 2 > MAX_DATA_BYTES)) continue
    if (await allFit(world, calls)) return calls
  }
  throw new Error('one group alone does not fit a transaction')
}

/** One after the other: what is tried takes the chain back to where it was. */
async function allFit(world: World, calls: readonly SettleCall[]): Promise<boolean> {
  for (const call of calls) if (!(await foresee(world, call))) return false
  return true
}

/** Whether receipts fit the blobs of one transaction. */
function fitsBlobs(groups: readonly SignedGroup[]): boolean {
  try {
    packBlobBatch(
      Lane.Attested,
      groups.map(({ group }) => group),
    )
    return true
  } catch (error) {
    if (error instanceof BlobError && error.code === 'blob.too-many') return false
    throw error
  }
}

/** Whether a call fits a transaction's gas; groups that would not apply in full are an error. */
async function foresee({ chain, submitter }: World, call: SettleCall): Promise<boolean> {
  // a call without its transaction has no blobs; that all groups applied is checked when it is mined
  if (call.blobs.length > 0) return tried(chain, submitter, call)
  const { data } = call
  const answer = await foreseen(chain, submitter.address, data)
  if (answer === undefined) return false
  const facts = decodeFacts(decodeFunctionResult({ abi: settlementAbi, functionName: 'settle', data: answer }))
  const other = facts.find(({ outcome }) => outcome !== Outcome.Applied)
  if (other !== undefined) throw new Error(`an outcome would be ${other.outcome}, moved: ${moved(other.outcome)}`)
  return true
}

/** Whether a transaction with blobs is mined; it is taken back either way. */
async function tried(chain: Chain, from: PrivateKeyAccount, { data, blobs }: SettleCall): Promise<boolean> {
  try {
    await chain.undone(() => chain.send(from, chain.deployment.settlement, data, blobs))
    return true
  } catch (error) {
    if (isOutOfGas(error)) return false
    throw error
  }
}

function isOutOfGas(error: unknown): boolean {
  const words = error instanceof BaseError ? `${error.message} ${error.details}` : String(error)
  return /out ?of ?gas|OOG/i.test(words)
}

async function foreseen({ reader, deployment }: Chain, account: Address, data: Hex): Promise<Hex | undefined> {
  try {
    return (await reader.call({ account, to: deployment.settlement, data, gas: MAX_TX_GAS })).data
  } catch (error) {
    if (isOutOfGas(error)) return undefined
    throw error
  }
}

/** One call that settles `groups`. */
export async function settleCall(world: World, groups: readonly SignedGroup[], way: Way): Promise<SettleCall> {
  const { batch, root, blobs } = await (way.mode === Mode.Blob
    ? inBlobs(groups, way.lane)
    : inCalldata(groups, way.lane))
  const args = [batch, authorityBytes(world, root, way.authority)] as const
  const data = encodeFunctionData({ abi: settlementAbi, functionName: 'settle', args })
  return { groups, lane: way.lane, batch, root, data, blobs }
}

type Written = Pick<SettleCall, 'batch' | 'root' | 'blobs'>

const hashesOf = (groups: readonly SignedGroup[]): Hex[] => groups.map(({ tally }) => groupHash(tally))

async function inCalldata(groups: readonly SignedGroup[], lane: Lane): Promise<Written> {
  const mode = Mode.Calldata
  const batch = encodeBatch({ mode, lane, groups: groups.map(({ group }) => group) })
  return { batch, root: batchRoot({ mode, groupHashes: hashesOf(groups) }), blobs: [] }
}

async function inBlobs(groups: readonly SignedGroup[], lane: Lane): Promise<Written> {
  const { batch, blobs: packed } = packBlobBatch(
    lane,
    groups.map(({ group }) => group),
  )
  const blobs = await commitBlobs(KZG, packed)
  const rooted = blobs.map(({ versionedHash }, index) => {
    return { versionedHash, groups: batch.blobs[index]?.groups ?? 0 }
  })
  const root = batchRoot({ mode: Mode.Blob, groupHashes: hashesOf(groups), blobs: rooted })
  return { batch: encodeBatch(batch), root, blobs }
}

function authorityBytes({ chain, seed, submitter }: World, root: Hex, authority: Authority): Hex {
  if (authority === 'none') return '0x'
  if (typeof authority !== 'string') {
    const force = { root, sender: submitter.address }
    return signCompact(forceDigest(force, settlementDomain(chain)), authority.forcedBy)
  }
  return attestationOf({ chain, seed }, root, authority === 'nobody' ? 0 : COMMITTEE.threshold)
}
