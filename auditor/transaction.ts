/**
 * Replays one transaction: touches the clock, walks its events in order, and asks that all of them add up.
 *
 * @module
 */
import { decodeFunctionData, encodeFunctionData, type Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'

import { checkCaller } from './callers.ts'
import { readClock, touchClock } from './clock.ts'
import { replayClosing } from './closing.ts'
import { replayCommitteeEvent } from './committee-events.ts'
import {
  replayAcknowledgement,
  replayAnnouncement,
  replayKeys,
  replayRecycling,
  replayStop,
  replayTopUp,
} from './deal-events.ts'
import { replayPacking } from './deal-pages.ts'
import {
  replayClaim,
  replayCover,
  replayDeposit,
  replayFeeClaim,
  replayMatured,
  replaySpot,
  replayWithdrawal,
} from './escrow-events.ts'
import type { ChainEvent, SettlementEvent } from './events.ts'
import { checkClawed, lowerCover, replayFault } from './fault-events.ts'
import { replayParameters, replayPause, replayTreasuries } from './governance-events.ts'
import { refreshBonds } from './member-bonds.ts'
import { coverDown } from './money.ts'
import { replayAnnouncedForce, replayExecutedForce } from './net-forces.ts'
import { isNetBatch, replayNetSettle } from './net-settle.ts'
import { replayNumbering, replayOpening } from './opening.ts'
import { replayRegistryEvent } from './registry-events.ts'
import { type Replay, report, thing, touch } from './replay.ts'
import { replaySettle, type SettleCall } from './settle.ts'
import { slashableOf } from './stake-model.ts'
import { addressKey, wheelOf } from './state.ts'

/** Events of the settlement that come without a touch of the clock. */
const UNTOUCHED: ReadonlySet<string> = new Set([
  'TreasuriesSet',
  'OffersCancelled',
  'AuthorityUpdated',
  'Deposited',
  'Matured',
  'Claimed',
])
const TICK = encodeFunctionData({ abi: settlementAbi, functionName: 'tick' })
/** Events of the registry that come with one: it runs on the settlement's clock. */
const TOUCHING: ReadonlySet<string> = new Set([
  'Staked',
  'Thawing',
  'StakeWithdrawn',
  'WorkerRevoked',
  'PayoutAccepted',
  'PayoutSet',
  'Paused',
  'BondThawing',
  'BondWithdrawn',
  'CommissionSet',
  'Delegated',
  'Undelegating',
  'DelegationWithdrawn',
  'Collected',
  'Compounded',
  'RewardsFunded',
  'EmissionSet',
  'Liened',
  'Unliened',
  'CaseHeld',
  'CaseReturned',
  'CasePaid',
])

/** Whether a call of the settlement is a tick: the only touch that leaves no event. */
export function isTick(input: Hex): boolean {
  return input.startsWith(TICK)
}

function isTouch(event: ChainEvent): boolean {
  if (event.source === 'settlement') return !UNTOUCHED.has(event.event.eventName)
  return event.source === 'registry' && TOUCHING.has(event.event.eventName)
}

/** What the transaction calls the settlement with, if it calls it directly and readably. */
function directCall(replay: Replay): ReturnType<typeof decodeFunctionData<typeof settlementAbi>> | null {
  const { transaction, contracts } = replay
  if (transaction.to === null || addressKey(transaction.to) !== contracts.settlement) return null
  try {
    return decodeFunctionData({ abi: settlementAbi, data: transaction.input })
  } catch {
    // reported by the check of its caller
    return null
  }
}

function settleCall(replay: Replay): SettleCall | null {
  const call = directCall(replay)
  return call?.functionName === 'settle' ? { batch: call.args[0], authority: call.args[1] } : null
}

/** Replays what governance does; false if the event is none of its. */
function replayGovernance(replay: Replay, event: SettlementEvent): boolean {
  switch (event.eventName) {
    case 'ParametersSet':
      replayParameters(replay, event.args)
      return true
    case 'TreasuriesSet':
      replayTreasuries(replay, event.args)
      return true
    case 'Paused':
      replayPause(replay, event.args)
      return true
    case 'OffersCancelled':
      replay.state.offerNonce.set(addressKey(event.args.provider), event.args.nonce)
      touch(replay, thing.offerNonce(event.args.provider), 'deal-opening')
      return true
    default:
      return false
  }
}

function replayMoney(replay: Replay, event: SettlementEvent): boolean {
  switch (event.eventName) {
    case 'Deposited':
      replayDeposit(replay, event.args)
      return true
    case 'Withdrawn':
      replayWithdrawal(replay, event.args)
      return true
    case 'Claimed':
      replayClaim(replay, event.args)
      return true
    case 'FeesClaimed':
      replayFeeClaim(replay, event.args)
      return true
    case 'CoverSet':
      replayCover(replay, event.args)
      return true
    default:
      return false
  }
}

function replayDeal(replay: Replay, event: SettlementEvent): void {
  switch (event.eventName) {
    case 'DealToppedUp':
      replayTopUp(replay, event.args)
      break
    case 'DealStopped':
      replayStop(replay, event.args)
      break
    case 'DealClosed':
      replayClosing(replay, event.args)
      break
    case 'DealRecycled':
      replayRecycling(replay, event.args)
      break
    case 'DealKeysAnnounced':
      replayAnnouncement(replay, event.args)
      break
    case 'DealKeysApplied':
      replayKeys(replay, event.args)
      break
    case 'Acknowledged':
      replayAcknowledgement(replay, event.args)
      break
    default:
  }
}

async function replaySettled(replay: Replay, event: Extract<SettlementEvent, { eventName: 'Settled' }>): Promise<void> {
  const call = settleCall(replay)
  if (call === null) {
    report(replay, 'unreadable', 'a batch settled whose bytes do not stand in the transaction’s own input')
    return
  }
  if (!isNetBatch(call.batch)) {
    replaySpot(replay, await replaySettle(replay, call, event.args))
    return
  }
  await replayNetSettle(replay, call, event.args)
  replaySpot(replay, new Map())
}

/** Replays what is of net mode only; false if the event is none of that. */
function replayNets(replay: Replay, event: SettlementEvent): boolean {
  switch (event.eventName) {
    case 'BuyerNumbered':
      replayNumbering(replay, event.args)
      return true
    case 'ForceAnnounced':
      replayAnnouncedForce(replay, event.args)
      return true
    case 'ForceExecuted':
      replayExecutedForce(replay, event.args)
      return true
    default:
      return false
  }
}

async function replaySettlementEvent(replay: Replay, event: SettlementEvent): Promise<void> {
  if (event.eventName === 'DealOpened') await replayOpening(replay, event.args)
  else if (event.eventName === 'Matured') replayMatured(replay, event.args, settleCall(replay) !== null)
  else if (event.eventName === 'Settled') await replaySettled(replay, event)
  else if (event.eventName === 'DealsPacked') await replayPacking(replay, event.args)
  else if (![replayGovernance, replayMoney, replayNets, replayFault].some((part) => part(replay, event)))
    replayDeal(replay, event)
}

async function replayEvent(replay: Replay, event: ChainEvent): Promise<void> {
  switch (event.source) {
    case 'settlement':
      return await replaySettlementEvent(replay, event.event)
    case 'registry':
      if (event.event.eventName === 'Slashed') lowerCover(replay, event.event.args.facts)
      return await replayRegistryEvent(replay, event.event)
    case 'committee':
      return await replayCommitteeEvent(replay, event.event)
    case 'unreadable':
      return report(replay, 'unreadable', `log ${event.index} of ${event.address} is none that it can write`)
    case 'transfer':
      return
    default:
      event satisfies never
  }
}

/** After the last event: no tokens left unexplained, all bonds told. */
function checkRest(replay: Replay): void {
  const { contracts, open } = replay
  for (const { from, to, token, amount } of open.transfers) {
    const isOurs =
      (from === contracts.settlement && token === contracts.token) ||
      (from === contracts.registry && token === contracts.stakeToken)
    if (isOurs) report(replay, 'solvency', `${amount} of ${token} left to ${to} without a reason`)
  }
  checkClawed(replay)
  for (const [provider, amount] of open.bonds) {
    if (amount !== 0n) report(replay, 'bond', `the registry did not reserve ${amount} of provider ${provider}`)
  }
}

/** Stake that thaws covers nothing from that moment on. */
function checkThaw(replay: Replay, events: readonly ChainEvent[]): void {
  const { state } = replay
  const { stakeValue, coverageBps } = state.parameters
  for (const one of events) {
    if (one.source !== 'registry' || one.event.eventName !== 'Thawing') continue
    const { provider } = one.event.args
    const known = state.providers.get(provider)
    const stake = known === undefined ? 0n : slashableOf(known.side, known.pool, BigInt(state.poolCapBps))
    const most = coverDown(stake, stakeValue, coverageBps)
    if (wheelOf(state, provider).cover <= most) continue
    report(replay, 'coverage', `provider ${provider} thaws stake that still covers its earnings`)
  }
}

/** Replays a successful transaction with its events. */
export async function replayTransaction(replay: Replay, events: readonly ChainEvent[]): Promise<void> {
  const { state, block, open, findings } = replay
  findings.totals.transactions++
  const hasTicked = directCall(replay)?.functionName === 'tick'
  if (hasTicked || events.some(isTouch)) touchClock(state, block.timestamp)
  else readClock(state, block.timestamp)
  checkCaller(replay)
  for (const event of events) if (event.source === 'transfer') open.transfers.push(event)
  for (const event of events) await replayEvent(replay, event)
  if (directCall(replay)?.functionName === 'refreshBonds') refreshBonds(replay)
  const isSettling = settleCall(replay) !== null
  const hasSettled = events.some((one) => one.source === 'settlement' && one.event.eventName === 'Settled')
  if (isSettling && !hasSettled) report(replay, 'unreadable', 'a batch went in and nothing says what it did')
  checkRest(replay)
  checkThaw(replay, events)
}
