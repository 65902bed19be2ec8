/**
 * Money in and out: deposits, withdrawals, matured earnings, claims, fees, cover.
 *
 * @module
 */
import type { Address } from 'viem'

import { coverDown, feeDown, MAX_HELD } from './money.ts'
import { type EventArgs, expectSame, type Replay, report, takeTransfer, thing, touch } from './replay.ts'
import type { Credits } from './settle.ts'
import { slashableOf } from './stake-model.ts'
import { accountOf, addressKey, wheelOf } from './state.ts'
import { dueAt, renewRoom, rollWheel } from './wheel.ts'

function takeOut(replay: Replay, to: Address, amount: bigint, what: string): void {
  const { settlement, token } = replay.contracts
  replay.state.held -= amount
  takeTransfer(replay, { token, from: settlement, to: addressKey(to), amount }, what)
}

/** Credits a deposit. */
export function replayDeposit(replay: Replay, { buyer, from, amount }: EventArgs<'Deposited'>): void {
  const { settlement, token } = replay.contracts
  accountOf(replay.state, buyer).free += amount
  replay.state.held += amount
  if (replay.state.held > MAX_HELD) report(replay, 'deposit', `the ledger took in more than ${MAX_HELD}`)
  touch(replay, thing.account(buyer), 'deposit')
  takeTransfer(replay, { token, from: addressKey(from), to: settlement, amount }, 'deposit')
}

/** Debits a withdrawal. */
export function replayWithdrawal(replay: Replay, { buyer, to, amount }: EventArgs<'Withdrawn'>): void {
  const account = accountOf(replay.state, buyer)
  touch(replay, thing.account(buyer), 'withdrawal')
  if (account.free < amount) {
    report(replay, 'withdrawal', `${buyer} took out ${amount}, the rules leave it ${account.free} free`)
  }
  account.free = account.free > amount ? account.free - amount : 0n
  takeOut(replay, to, amount, 'withdrawal')
}

/**
 * Money matured: what is due by the rules, or lane 0 money of the batch under replay, which is checked when the batch has
 * been read.
 */
export function replayMatured(replay: Replay, args: EventArgs<'Matured'>, isSettling: boolean): void {
  const { state, findings } = replay
  const { provider, amount, protocolFee, committeeFee } = args
  const wheel = wheelOf(state, provider)
  const due = dueAt(wheel, state.clock.value, state.parameters)
  touch(replay, thing.earnings(provider), 'maturity')
  if (due.gross === 0n && isSettling) {
    replay.open.spot.push({ provider, amount, protocolFee, committeeFee })
    return
  }
  const what = `of provider ${provider}`
  findings.watch('window', expectSame(replay, 'maturity', `matured money ${what}`, due.gross, amount))
  const isExact = due.protocolFee === protocolFee && due.committeeFee === committeeFee
  findings.watch('fees', isExact)
  expectSame(replay, 'fee', `the protocol fee ${what}`, due.protocolFee, protocolFee)
  expectSame(replay, 'fee', `the committee fee ${what}`, due.committeeFee, committeeFee)
  rollWheel(wheel, state.clock.value, state.parameters)
  state.fees.protocol += due.protocolFee
  state.fees.committee += due.committeeFee
}

/** Credits lane 0 money at once and holds the chain's credits and fees against what the batch owes. */
export function replaySpot(replay: Replay, credits: Credits): void {
  const { state, findings } = replay
  const told = new Map<number, bigint>()
  for (const { provider, amount, protocolFee, committeeFee } of replay.open.spot) {
    const protocol = feeDown(amount, state.parameters.protocolFeeBps)
    const committee = feeDown(amount, state.parameters.committeeFeeBps)
    findings.watch('fees', protocol === protocolFee && committee === committeeFee)
    expectSame(replay, 'fee', `the protocol fee of provider ${provider}`, protocol, protocolFee)
    expectSame(replay, 'fee', `the committee fee of provider ${provider}`, committee, committeeFee)
    state.fees.protocol += protocol
    state.fees.committee += committee
    wheelOf(state, provider).claimable += amount - protocol - committee
    told.set(provider, (told.get(provider) ?? 0n) + amount)
  }
  for (const provider of new Set([...told.keys(), ...credits.keys()])) {
    const owed = credits.get(provider) ?? 0n
    expectSame(replay, 'price', `acknowledged money of provider ${provider}`, owed, told.get(provider) ?? 0n)
  }
}

/** Pays out what has matured. */
export function replayClaim(replay: Replay, { provider, to, amount }: EventArgs<'Claimed'>): void {
  const { state, findings } = replay
  const wheel = wheelOf(state, provider)
  touch(replay, thing.earnings(provider), 'claim')
  findings.watch('window', amount <= wheel.claimable)
  expectSame(replay, 'claim', `the claim of provider ${provider}`, wheel.claimable, amount)
  const known = state.providers.get(provider)
  const recipient = known?.hasPool === true ? replay.contracts.registry : known?.payout
  expectSame(replay, 'claim', 'its recipient', recipient ?? 'unknown', addressKey(to))
  wheel.claimable = 0n
  takeOut(replay, to, amount, 'claim')
}

/** Pays out the fees. */
export function replayFeeClaim(replay: Replay, { protocolFee, committeeFee }: EventArgs<'FeesClaimed'>): void {
  const { fees, treasuries } = replay.state
  expectSame(replay, 'fee', 'the protocol fee paid out', fees.protocol, protocolFee)
  expectSame(replay, 'fee', 'the committee fee paid out', fees.committee, committeeFee)
  fees.protocol = 0n
  fees.committee = 0n
  takeOut(replay, treasuries.protocol, protocolFee, 'protocol fee')
  takeOut(replay, treasuries.committee, committeeFee, 'committee fee')
}

/** Brings a provider's cover in line with its stake. */
export function replayCover(replay: Replay, { provider, cover }: EventArgs<'CoverSet'>): void {
  const { state } = replay
  const { stakeValue, coverageBps } = state.parameters
  const known = state.providers.get(provider)
  const stake = known === undefined ? 0n : slashableOf(known.side, known.pool, BigInt(state.poolCapBps))
  const ours = coverDown(stake, stakeValue, coverageBps)
  touch(replay, thing.earnings(provider), 'coverage')
  expectSame(replay, 'coverage', `the cover of provider ${provider}`, ours, cover)
  const wheel = wheelOf(state, provider)
  wheel.cover = ours
  renewRoom(wheel, { clock: state.clock.value, parameters: state.parameters })
}
