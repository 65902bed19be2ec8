/**
 * Providers, their stake, payout accounts and workers' keys.
 *
 * @module
 */
import { type Address, zeroAddress } from 'viem'

import type { RegistryEvent } from './events.ts'
import { checkPause } from './governance-events.ts'
import { replayBondEvent } from './member-bonds.ts'
import { expectSame, type Replay, report, takeTransfer, thing, touch } from './replay.ts'
import { moveIn, replayPoolEvent, replayVaultEvent } from './stake-events.ts'
import { freeOf, grow, moveLien, newPool, newSide, thaw, withdraw } from './stake-model.ts'
import { addressKey, membership, type Provider, wheelOf } from './state.ts'
import { renewRoom } from './wheel.ts'
import { replayPackedWorkers, replayWorkers } from './worker-pages.ts'

type RegistryArgs<name extends RegistryEvent['eventName']> = Extract<
  RegistryEvent,
  { eventName: name; args: object }
>['args']

function createProvider(owner: Address, payout: Address): Provider {
  return {
    owner: addressKey(owner),
    operator: zeroAddress,
    payout: addressKey(payout),
    side: newSide(),
    pool: newPool(),
    hasPool: false,
    thawedAt: 0,
    nextPayout: zeroAddress,
    payoutFrom: 0,
  }
}

function replayJoin(replay: Replay, { provider, owner, payout }: RegistryArgs<'Joined'>): void {
  const { state } = replay
  expectSame(replay, 'registry', 'the id of a new provider', state.providers.size + 1, provider)
  if (state.ids.has(addressKey(owner))) report(replay, 'registry', `${owner} joined twice`)
  state.providers.set(provider, createProvider(owner, payout))
  state.ids.set(addressKey(owner), provider)
}

function moveStake(replay: Replay, amount: bigint, to: Address | null, from: Address | null, what: string): void {
  const { registry, stakeToken } = replay.contracts
  if (stakeToken === null) return
  const wanted = { token: stakeToken, from: addressKey(from ?? registry), to: addressKey(to ?? registry), amount }
  takeTransfer(replay, wanted, what)
}

function replayStake(replay: Replay, { side }: Provider, { amount }: RegistryArgs<'Staked'>): void {
  moveIn(replay, amount, 'stake')
  grow(side, amount)
}

function replayThaw(replay: Replay, provider: Provider, args: RegistryArgs<'Thawing'>): void {
  const { state } = replay
  if (args.amount > freeOf(provider.side)) {
    report(replay, 'bond', `provider ${args.provider} thaws ${args.amount} of its stake that is reserved`)
  }
  expectSame(replay, 'registry', 'the end of the thaw', state.clock.value + state.notices.thaw, args.readyAt)
  thaw(provider.side, args.amount)
  provider.thawedAt = state.clock.value + state.notices.thaw
}

function replayStakeExit(replay: Replay, provider: Provider, args: RegistryArgs<'StakeWithdrawn'>): void {
  const { clock } = replay.state
  const amount = withdraw(provider.side)
  expectSame(replay, 'registry', `the thawed stake of provider ${args.provider}`, amount, args.amount)
  if (provider.thawedAt === 0 || clock.value < provider.thawedAt) {
    report(replay, 'registry', `provider ${args.provider} took its stake out before ${provider.thawedAt}`)
  }
  moveStake(replay, args.amount, args.to, null, 'stake withdrawal')
  if (provider.side.thawing === 0n) provider.thawedAt = 0
}

function settleBond(replay: Replay, id: number, { side }: Provider, lien: bigint, sign: 1n | -1n): void {
  const { bonds } = replay.open
  bonds.set(id, (bonds.get(id) ?? 0n) - sign * lien)
  moveLien(side, lien, sign)
  const liens = side.blocked - side.thawing
  if (liens < 0n || liens > side.shares) {
    report(replay, 'bond', `provider ${id} has ${liens} of its ${side.shares} shares reserved`)
  }
}

function replayRevocation(replay: Replay, { provider, index, from }: RegistryArgs<'WorkerRevoked'>): void {
  const { state } = replay
  const worker = state.workers.get(index)
  touch(replay, thing.worker(index), 'registry')
  if (worker === undefined || worker.provider !== provider) {
    report(replay, 'registry', `worker ${index} is not provider ${provider}’s to revoke`)
    return
  }
  const before = state.revocations.get(membership(worker)) ?? Number.POSITIVE_INFINITY
  if (from >= before) report(replay, 'registry', `the revocation of worker ${index} was put off`)
  if (from < state.clock.value + state.notices.key)
    report(replay, 'registry', `worker ${index} was revoked without notice`)
  state.revocations.set(membership(worker), from)
  const wheel = wheelOf(state, provider)
  wheel.hasRevocations = true
  renewRoom(wheel, { clock: state.clock.value, parameters: state.parameters })
}

function replayPayout(replay: Replay, provider: Provider, payout: Address): void {
  const isDue = provider.payoutFrom !== 0 && replay.state.clock.value >= provider.payoutFrom
  if (!isDue) report(replay, 'registry', `the payout account changed to ${payout} without its notice`)
  expectSame(replay, 'registry', 'the payout account', provider.nextPayout, addressKey(payout))
  provider.payout = addressKey(payout)
  provider.nextPayout = zeroAddress
  provider.payoutFrom = 0
}

function replayAcceptance(replay: Replay, provider: Provider, args: RegistryArgs<'PayoutAccepted'>): void {
  const from = replay.state.clock.value + replay.state.notices.payout
  expectSame(replay, 'registry', 'the accepted payout account', provider.nextPayout, addressKey(args.payout))
  expectSame(replay, 'registry', 'the notice of the payout account', from, args.from)
  provider.payoutFrom = from
}

function replayStakePause(replay: Replay, { until }: RegistryArgs<'Paused'>): void {
  checkPause(replay, 'new stake', replay.state.stakePausedUntil, until)
  replay.state.stakePausedUntil = until
}

function replayMoney(replay: Replay, provider: Provider, event: RegistryEvent): void {
  switch (event.eventName) {
    case 'Staked':
      replayStake(replay, provider, event.args)
      break
    case 'Thawing':
      replayThaw(replay, provider, event.args)
      break
    case 'StakeWithdrawn':
      replayStakeExit(replay, provider, event.args)
      break
    case 'Reserved':
      settleBond(replay, event.args.provider, provider, event.args.lien, 1n)
      break
    case 'Released':
      settleBond(replay, event.args.provider, provider, event.args.lien, -1n)
      break
    default:
      replayAccounts(replay, provider, event)
  }
}

function replayAccounts(replay: Replay, provider: Provider, event: RegistryEvent): void {
  switch (event.eventName) {
    case 'OperatorSet':
      provider.operator = addressKey(event.args.operator)
      break
    case 'PayoutProposed':
      provider.nextPayout = addressKey(event.args.payout)
      provider.payoutFrom = 0
      break
    case 'PayoutAccepted':
      replayAcceptance(replay, provider, event.args)
      break
    case 'PayoutSet':
      replayPayout(replay, provider, event.args.payout)
      break
    default:
      replayPoolEvent(replay, provider, event)
  }
}

/** Replays one event of the registry. */
export async function replayRegistryEvent(replay: Replay, event: RegistryEvent): Promise<void> {
  switch (event.eventName) {
    case 'Joined':
      replayJoin(replay, event.args)
      break
    case 'WorkersRegistered':
      await replayWorkers(replay, event.args)
      return
    case 'WorkersPacked':
      await replayPackedWorkers(replay, event.args)
      return
    case 'WorkerRevoked':
      replayRevocation(replay, event.args)
      return
    case 'Paused':
      replayStakePause(replay, event.args)
      return
    default:
  }
  if (replayVaultEvent(replay, event) || replayBondEvent(replay, event) || !('provider' in event.args)) return
  const id = event.args.provider
  const provider = replay.state.providers.get(id)
  touch(replay, thing.provider(id), 'registry')
  if (provider === undefined) report(replay, 'registry', `provider ${id} never joined`)
  else replayMoney(replay, provider, event)
}
