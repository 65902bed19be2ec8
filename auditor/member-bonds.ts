/**
 * Members' bonds in the registry, and what the settlement read of them.
 *
 * @module
 */
import { type Address, zeroAddress } from 'viem'

import type { Scope } from './comparison.ts'
import type { RegistryEvent } from './events.ts'
import type { MemberBond } from './net-ledger.ts'
import { expectSame, type Replay, report, takeTransfer, thing, touch } from './replay.ts'
import { readBondWords } from './slots.ts'
import { addressKey, type State } from './state.ts'

const STAKE_UNIT = 10n ** 18n
const MOST = 2n ** 32n - 1n
const PER_WORD = 8

type Args<name extends RegistryEvent['eventName']> = Extract<RegistryEvent, { eventName: name; args: object }>['args']

function bondOf({ nets }: State, signer: Address): MemberBond {
  const known = nets.bonds.get(addressKey(signer))
  if (known !== undefined) return known
  const bond: MemberBond = { owner: zeroAddress, stake: 0n, thawing: 0n, thawedAt: 0 }
  nets.bonds.set(addressKey(signer), bond)
  return bond
}

/** Whole tokens that the settlement would read now of an epoch's members. */
function tokensNow(state: State, epoch: number): bigint[] {
  return (state.epochs.get(epoch)?.signers ?? []).map((signer) => {
    const tokens = (state.nets.bonds.get(signer)?.stake ?? 0n) / STAKE_UNIT
    return tokens < MOST ? tokens : MOST
  })
}

/** Epochs whose members may attest, as the settlement was told of them. */
export function attestingEpochs({ currentEpoch, firstTold }: State): number[] {
  if (firstTold === 0) return []
  return currentEpoch > firstTold ? [currentEpoch, currentEpoch - 1] : [currentEpoch]
}

/** The settlement reads the bonds of those who may attest. */
export function refreshBonds(replay: Replay): void {
  const { state } = replay
  for (const epoch of attestingEpochs(state)) {
    state.nets.read.set(epoch, tokensNow(state, epoch))
    touch(replay, thing.readBonds(epoch), 'net-bonds')
  }
}

/** Bonds of an epoch's members, eight a word, the first one lowest. */
export function bondWords(tokens: readonly bigint[]): bigint[] {
  const words: bigint[] = []
  for (const [index, amount] of tokens.entries()) {
    const at = Math.floor(index / PER_WORD)
    words[at] = (words[at] ?? 0n) | (amount << BigInt(32 * (index % PER_WORD)))
  }
  return words
}

/**
 * Anyone may let the settlement read bonds, through other contracts too, which leaves no event: what it has then is what
 * the bonds are now.
 */
export async function followUnseenRefresh(
  { state, source, contracts, block }: Pick<Scope, 'state' | 'source' | 'contracts' | 'block'>,
  epoch: number,
): Promise<void> {
  const now = tokensNow(state, epoch)
  const wanted = bondWords(now).join()
  if (!attestingEpochs(state).includes(epoch) || bondWords(state.nets.read.get(epoch) ?? []).join() === wanted) return
  const words = await readBondWords(
    source,
    { settlement: contracts.settlement, epoch, count: bondWords(now).length },
    block,
  )
  if (words.join() === wanted) state.nets.read.set(epoch, now)
}

function moveTokens(replay: Replay, amount: bigint, to: Address | null, what: string): void {
  const { registry, stakeToken } = replay.contracts
  if (stakeToken === null) return
  const isIn = to === null
  const payer = replay.open.transfers.find(
    (one) => one.token === stakeToken && one.to === registry && one.amount === amount,
  )
  const from = isIn ? (payer?.from ?? zeroAddress) : registry
  takeTransfer(replay, { token: stakeToken, from, to: isIn ? registry : addressKey(to), amount }, what)
}

function replayBonded(replay: Replay, { signer, amount }: Args<'Bonded'>): void {
  const bond = bondOf(replay.state, signer)
  if (bond.owner === zeroAddress) report(replay, 'member-bond', `the bond of ${signer} grew before it had an owner`)
  bond.stake += amount
  moveTokens(replay, amount, null, 'bond')
  refreshBonds(replay)
}

function replayThaw(replay: Replay, { signer, amount, readyAt }: Args<'BondThawing'>): void {
  const { state } = replay
  const bond = bondOf(state, signer)
  const from = state.clock.value + state.notices.thaw
  if (amount > bond.stake)
    report(replay, 'member-bond', `${amount} of the bond of ${signer} thaw, it has ${bond.stake}`)
  expectSame(replay, 'member-bond', `the end of the thaw of the bond of ${signer}`, from, readyAt)
  Object.assign(bond, { stake: bond.stake - amount, thawing: bond.thawing + amount, thawedAt: from })
  refreshBonds(replay)
}

function replayExit(replay: Replay, { signer, to, amount }: Args<'BondWithdrawn'>): void {
  const bond = bondOf(replay.state, signer)
  expectSame(replay, 'member-bond', `what has thawed of the bond of ${signer}`, bond.thawing, amount)
  if (bond.thawedAt === 0 || replay.state.clock.value < bond.thawedAt) {
    report(replay, 'member-bond', `the bond of ${signer} was taken out before ${bond.thawedAt}`)
  }
  Object.assign(bond, { thawing: 0n, thawedAt: 0 })
  moveTokens(replay, amount, to, 'bond withdrawal')
}

/** Takes from stake and thawing stake pro rata, of the latter rounded up; gives back to stake when negative. */
export function slashBond(replay: Replay, signer: Address, amount: bigint): void {
  const bond = bondOf(replay.state, signer)
  touch(replay, thing.memberBond(signer), 'member-bond')
  const all = bond.stake + bond.thawing
  if (amount > all) report(replay, 'member-bond', `${amount} were taken of the bond of ${signer}, it had ${all}`)
  const fromThawing = amount <= 0n || all === 0n ? 0n : (amount * bond.thawing + all - 1n) / all
  bond.stake -= amount - fromThawing
  bond.thawing -= fromThawing
}

/** Replays what happens to a bond; false if the event is about something else. */
export function replayBondEvent(replay: Replay, event: RegistryEvent): boolean {
  switch (event.eventName) {
    case 'BondOwnerNamed':
      bondOf(replay.state, event.args.signer).owner = addressKey(event.args.owner)
      break
    case 'Bonded':
      replayBonded(replay, event.args)
      break
    case 'BondThawing':
      replayThaw(replay, event.args)
      break
    case 'BondWithdrawn':
      replayExit(replay, event.args)
      break
    default:
      return false
  }
  touch(replay, thing.memberBond(event.args.signer), 'member-bond')
  return true
}
