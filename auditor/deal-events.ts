/**
 * What happens to a deal after its opening, but for settling and closing: top-ups, stops, recycling, keys, acknowledgements.
 *
 * @module
 */
import { decodeFunctionData, type Hex } from 'viem'
import { settlementAbi } from '#protocol/abi.generated.ts'
import { acknowledgementDigest } from '#protocol/eip712.ts'
import { recoverCompact } from '#protocol/signature.ts'
import { DealState } from '#protocol/types.ts'
import { checkNetStop } from './closing.ts'
import { unpackDeal } from './deal-pages.ts'
import { acknowledge } from './groups.ts'
import { type EventArgs, expectSame, oweBond, type Replay, report, thing, touch } from './replay.ts'
import type { DiscrepancyKind } from './report.ts'
import { lienFor } from './stake-events.ts'
import { joinedLien } from './stake-model.ts'
import { accountOf, addressKey, type Deal, dealStateAt, isNetted, type Stream, unitsOf } from './state.ts'

/** The deal, if it is in `wanted`; reports `kind` otherwise. */
function dealIn(replay: Replay, id: number, wanted: DealState, kind: DiscrepancyKind): Deal | undefined {
  const deal = replay.state.deals.get(id)
  const state = dealStateAt(deal, replay.state.clock.value)
  if (state !== wanted) report(replay, kind, `deal ${id} is in state ${state}, this takes ${wanted}`)
  return deal
}

function expectHolds(replay: Replay, holds: boolean, kind: DiscrepancyKind, detail: string): void {
  if (!holds) report(replay, kind, detail)
}

/** Adds budget and bond. */
export function replayTopUp(replay: Replay, { id, amount, bond }: EventArgs<'DealToppedUp'>): void {
  const { state } = replay
  const deal = dealIn(replay, id, DealState.Open, 'top-up')
  if (deal === undefined) return
  const account = accountOf(state, deal.buyer)
  const taken = (state.offerTaken.get(deal.offerHash) ?? 0n) + amount
  expectHolds(replay, !isNetted(deal), 'top-up', `netted deal ${id} grew`)
  const isOverspent = unitsOf(deal) * deal.price > deal.budget
  expectHolds(replay, !isOverspent, 'top-up', `deal ${id} grew though more was settled than it held`)
  expectHolds(replay, deal.budget + amount <= deal.maxBudget, 'top-up', `deal ${id} grew past its offer’s maximum`)
  expectHolds(replay, taken <= deal.offerTotal, 'top-up', `deal ${id} grew past its offer’s total`)
  expectHolds(replay, amount <= account.free, 'top-up', `deal ${id} grew by more than its buyer had free`)
  expectSame(replay, 'bond', `the bond added to deal ${id}`, lienFor(state, deal.provider, amount), bond)

  state.offerTaken.set(deal.offerHash, taken)
  account.free -= amount
  account.locked += amount
  unpackDeal(replay, deal)
  deal.budget += amount
  deal.bond = joinedLien(deal.bond, bond)
  oweBond(replay, deal.provider, bond)
  touch(replay, thing.deal(id), 'top-up')
  touch(replay, thing.account(deal.buyer), 'top-up')
  touch(replay, thing.offer(deal.offerHash), 'top-up')
}

/** Stops a deal's rate clock. */
export function replayStop(replay: Replay, { id, end }: EventArgs<'DealStopped'>): void {
  const deal = dealIn(replay, id, DealState.Open, 'stop')
  if (deal === undefined) return
  if (isNetted(deal)) checkNetStop(replay, deal)
  expectSame(replay, 'stop', `the end of deal ${id}`, replay.state.clock.value, end)
  deal.end = replay.state.clock.value
  unpackDeal(replay, deal)
  touch(replay, thing.deal(id), 'stop')
}

/** Frees a deal's id. */
export function replayRecycling(replay: Replay, { id }: EventArgs<'DealRecycled'>): void {
  const { state } = replay
  const deal = dealIn(replay, id, DealState.Closed, 'recycle')
  if (deal === undefined) return
  const from = (deal.closedAt ?? 0) + state.parameters.retention
  expectHolds(replay, state.clock.value >= from, 'recycle', `deal ${id} was recycled before ${from}`)
  state.deals.delete(id)
  touch(replay, thing.deal(id), 'recycle')
  for (let i = 0; i < deal.streams.length; i++) touch(replay, thing.stream(id, i), 'recycle')
}

/** Remembers announced keys under the deal's key, which recycling does not reuse. */
export function replayAnnouncement(replay: Replay, args: EventArgs<'DealKeysAnnounced'>): void {
  const { state } = replay
  const deal = dealIn(replay, args.id, DealState.Open, 'keys')
  if (deal === undefined) return
  const from = state.clock.value + state.parameters.keyNotice
  expectSame(replay, 'keys', `the notice of deal ${args.id}`, from, args.from)
  const announced = { orderKey: addressKey(args.orderKey), ackKey: addressKey(args.ackKey), from }
  state.announced.set(deal.key, announced)
}

/** Puts announced keys in force. */
export function replayKeys(replay: Replay, { id, orderKey, ackKey }: EventArgs<'DealKeysApplied'>): void {
  const { state } = replay
  const announced = state.announced.get(state.keys.get(id) ?? '0x')
  const isDue = announced !== undefined && state.clock.value >= announced.from
  expectHolds(replay, isDue, 'keys', `the keys of deal ${id} changed without their notice`)
  expectSame(replay, 'keys', `the order key of deal ${id}`, announced?.orderKey ?? 'unknown', addressKey(orderKey))
  expectSame(
    replay,
    'keys',
    `the acknowledgement key of deal ${id}`,
    announced?.ackKey ?? 'unknown',
    addressKey(ackKey),
  )
  state.announced.delete(state.keys.get(id) ?? '0x')
  const deal = state.deals.get(id)
  if (deal === undefined) return
  deal.orderKey = addressKey(orderKey)
  deal.ackKey = addressKey(ackKey)
  deal.orderKeys = [...deal.orderKeys, deal.orderKey]
  touch(replay, thing.deal(id), 'keys')
}

/** Signers of the transaction's acknowledgements of this stream up to these units. */
function acknowledgers(replay: Replay, deal: Deal, args: EventArgs<'Acknowledged'>): (Hex | null)[] | null {
  if (replay.calls === null) return null
  const signers: (Hex | null)[] = []
  for (const call of replay.calls) {
    const decoded = decodeFunctionData({ abi: settlementAbi, data: call.input })
    if (decoded.functionName !== 'acknowledge') continue
    const [id, stream, count, units, segment, signature] = decoded.args
    if (id !== args.id || stream !== args.stream || units !== args.units) continue
    const message = { dealKey: deal.key, stream, count, units: BigInt(units), segment }
    signers.push(recoverCompact(acknowledgementDigest(message, replay.state.domain), signature))
  }
  return signers
}

function checkAcknowledger(replay: Replay, deal: Deal, args: EventArgs<'Acknowledged'>): void {
  const signers = acknowledgers(replay, deal, args)
  replay.findings.totals.signatures++
  if (signers === null || signers.length === 0) {
    report(replay, 'unreadable', `the acknowledgement of deal ${args.id} cannot be read from the transaction`)
  } else if (!signers.some((signer) => signer?.toLowerCase() === deal.ackKey)) {
    report(replay, 'acknowledgement', `the acknowledgement of deal ${args.id} is not signed by ${deal.ackKey}`)
  }
}

/** Raises what the buyer's side has vouched for. */
export function replayAcknowledgement(replay: Replay, args: EventArgs<'Acknowledged'>): void {
  const deal = replay.state.deals.get(args.id)
  const stream: Stream | undefined = deal?.streams[args.stream]
  if (deal === undefined || stream === undefined || deal.closedAt !== null) {
    report(replay, 'acknowledgement', `deal ${args.id} has no stream ${args.stream} to acknowledge`)
    return
  }
  checkAcknowledger(replay, deal, args)
  const units = BigInt(args.units)
  expectHolds(replay, units > stream.acknowledged, 'acknowledgement', `deal ${args.id} was acknowledged for less`)
  acknowledge(deal, stream, units)
  touch(replay, thing.deal(args.id), 'exposure')
  touch(replay, thing.stream(args.id, args.stream), 'acknowledgement')
}
