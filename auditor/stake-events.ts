/**
 * What slashes, disputes and delegation do to stake, and what the vault does with what was slashed.
 *
 * @module
 */
import { type Address, getAddress, type Hex, zeroAddress } from 'viem'

import type { RegistryEvent } from './events.ts'
import { refreshBonds, slashBond } from './member-bonds.ts'
import { bondUp } from './money.ts'
import { type Replay, report, takeTransfer, thing, touch } from './replay.ts'
import { lienOf, newSide, regrow, regrowPool, slashOwn, slashPool } from './stake-model.ts'
import { addressKey, type Provider, type State } from './state.ts'

type Args<name extends RegistryEvent['eventName']> = Extract<RegistryEvent, { eventName: name; args: object }>['args']

const GRAVE = getAddress('0x000000000000000000000000000000000000dEaD')
const REPORTER_SHARE = 10n

function moveOut(replay: Replay, to: Address, amount: bigint, what: string): void {
  const { registry, stakeToken } = replay.contracts
  if (stakeToken === null) return
  takeTransfer(replay, { token: stakeToken, from: registry, to: addressKey(to), amount }, what)
}

/** Takes stake from whoever paid: any transfer of the amount to the registry will do. */
export function moveIn(replay: Replay, amount: bigint, what: string): void {
  const { registry, stakeToken } = replay.contracts
  if (stakeToken === null) return
  const isPayment = (one: { token: Address; to: Address; amount: bigint }) =>
    one.token === stakeToken && one.to === registry && one.amount === amount
  const from = replay.open.transfers.find(isPayment)?.from ?? zeroAddress
  takeTransfer(replay, { token: stakeToken, from, to: registry, amount }, what)
}

function replaySlash(replay: Replay, { subject, facts }: Args<'Slashed'>): void {
  const { state } = replay
  if (state.cases.has(subject)) report(replay, 'registry', `${subject} was punished twice`)
  state.cases.set(subject, { facts, isOpen: true })
  if (facts.signer !== zeroAddress) {
    slashBond(replay, facts.signer, facts.own)
    return
  }
  const provider = state.providers.get(facts.provider)
  touch(replay, thing.provider(facts.provider), 'registry')
  if (provider === undefined) return
  const own = slashOwn(provider.side, facts.own)
  const delegated = slashPool(provider.pool, facts.delegated, BigInt(state.poolCapBps))
  if (own !== facts.own || delegated !== facts.delegated) {
    report(replay, 'registry', `provider ${facts.provider} was slashed by more than it has or one fault may take`)
  }
}

/** Ends a case; undefined, and reported, if it is none or has ended. */
function endCase(replay: Replay, subject: Hex): Args<'Slashed'>['facts'] | undefined {
  const known = replay.state.cases.get(subject)
  if (known?.isOpen !== true) {
    report(replay, 'registry', `the vault has no case ${subject} to pay or return`)
    return undefined
  }
  known.isOpen = false
  return known.facts
}

function replayReturn(replay: Replay, { subject }: Args<'CaseReturned'>): void {
  const facts = endCase(replay, subject)
  if (facts === undefined) return
  if (facts.signer !== zeroAddress) {
    slashBond(replay, facts.signer, -facts.own)
    refreshBonds(replay)
    return
  }
  const provider = replay.state.providers.get(facts.provider)
  touch(replay, thing.provider(facts.provider), 'registry')
  if (provider === undefined) return
  if (facts.own !== 0n) regrow(provider.side, facts.own)
  if (facts.delegated !== 0n) regrowPool(provider.pool, facts.delegated)
}

function replayPaid(replay: Replay, args: Args<'CasePaid'>): void {
  const facts = endCase(replay, args.subject)
  if (facts === undefined) return
  const taken = facts.own + facts.delegated
  const toVictim = facts.victim === zeroAddress ? 0n : facts.restitution
  const toReporter = facts.reporter === zeroAddress ? 0n : facts.own / REPORTER_SHARE
  const burned = taken - toVictim - toReporter
  const isRight = args.toVictim === toVictim && args.toReporter === toReporter && args.burned === burned
  if (!isRight) report(replay, 'registry', `case ${args.subject} was paid otherwise than the rules say`)
  moveOut(replay, facts.victim, toVictim, 'restitution')
  moveOut(replay, facts.reporter, toReporter, 'a reporter’s part')
  moveOut(replay, GRAVE, burned, 'slashed stake that is burned')
}

function replayPriority(replay: Replay, { subject, facts }: Args<'PriorityClaimed'>): void {
  const known = replay.state.cases.get(subject)
  if (known !== undefined) known.facts = facts
}

/** Replays what happens to slashed stake, and what governance says about it; false if it is about something else. */
export function replayVaultEvent(replay: Replay, event: RegistryEvent): boolean {
  switch (event.eventName) {
    case 'Slashed':
      replaySlash(replay, event.args)
      return true
    case 'CaseReturned':
      replayReturn(replay, event.args)
      return true
    case 'CasePaid':
      replayPaid(replay, event.args)
      return true
    case 'PriorityClaimed':
      replayPriority(replay, event.args)
      return true
    case 'StakingParametersSet':
      replay.state.poolCapBps = event.args.parameters.poolCapBps
      return true
    case 'RewardsFunded':
      moveIn(replay, event.args.amount, 'rewards')
      return true
    default:
      return false
  }
}

function replayDelegationExit(replay: Replay, { pool }: Provider, args: Args<'DelegationWithdrawn'>): void {
  pool.tokens -= args.amount
  pool.shares -= args.shares
  pool.thawing -= args.shares
  moveOut(replay, args.to, args.amount, 'delegation withdrawal')
}

function replayPoolGrowth(replay: Replay, { pool }: Provider, args: Args<'Delegated'>, isPaid: boolean): void {
  pool.tokens += args.amount
  pool.shares += args.shares
  if (isPaid) moveIn(replay, args.amount, 'delegation')
}

/** Replays what happens to one provider's pool and to stake in disputes. */
export function replayPoolEvent(replay: Replay, provider: Provider, event: RegistryEvent): void {
  const { side, pool } = provider
  switch (event.eventName) {
    case 'Liened':
      side.blocked += event.args.own
      side.disputed += event.args.own
      pool.disputed += event.args.pooled
      break
    case 'Unliened':
      side.blocked -= event.args.own
      side.disputed -= event.args.own
      pool.disputed -= event.args.pooled
      break
    case 'PoolOpened':
      provider.hasPool = true
      break
    case 'Delegated':
      replayPoolGrowth(replay, provider, event.args, true)
      break
    case 'Compounded':
      replayPoolGrowth(replay, provider, event.args, false)
      break
    case 'Undelegating':
      pool.thawing += event.args.shares
      break
    case 'DelegationWithdrawn':
      replayDelegationExit(replay, provider, event.args)
      break
    case 'Collected':
      moveOut(replay, event.args.to, event.args.rewards, 'rewards')
      break
    default:
  }
}

/** The lien on a provider's stake that a deal's bond is, or a part of it. */
export function lienFor({ providers, parameters }: State, provider: number, budget: bigint): bigint {
  const { bondBps, stakeValue } = parameters
  return lienOf(providers.get(provider)?.side ?? newSide(), bondUp(budget, bondBps, stakeValue))
}
