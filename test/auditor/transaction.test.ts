/** @module */
import { expect } from 'chai'
import { encodeFunctionData, type Hex } from 'viem'

import type { ChainEvent } from '#auditor/events.ts'
import type { State } from '#auditor/state.ts'
import { creditUnmatured } from '#auditor/wheel.ts'
import { settlementAbi } from '#protocol/abi.generated.ts'

import { addressOf, contracts, DAY, ledger, type Made, moved, OPENED_AT, replayOn, told } from './support/ledger.ts'

const { settlement, registry, stakeToken } = contracts
const buyer = addressOf('buyer')
const NOW = OPENED_AT + 3600

const deposited = (amount: bigint): ChainEvent => told({ eventName: 'Deposited', args: { buyer, from: buyer, amount } })
const withdrawn = (amount: bigint): ChainEvent => told({ eventName: 'Withdrawn', args: { buyer, to: buyer, amount } })
const stop = (id: number): Hex => encodeFunctionData({ abi: settlementAbi, functionName: 'stop', args: [id] })
const stopped = (end: number): ChainEvent => told({ eventName: 'DealStopped', args: { id: 1, end } })
const closed = (returned: bigint, openingFee: bigint): ChainEvent =>
  told({ eventName: 'DealClosed', args: { id: 1, returned, openingFee } })
const released = (amount: bigint): ChainEvent => ({
  source: 'registry',
  index: 0,
  event: { eventName: 'Released', args: { provider: 1, lien: amount } },
})
const matured = (amount: bigint, protocolFee: bigint, committeeFee: bigint): ChainEvent =>
  told({ eventName: 'Matured', args: { provider: 1, amount, protocolFee, committeeFee } })
const claimed = (amount: bigint, to = addressOf('payout')): ChainEvent =>
  told({ eventName: 'Claimed', args: { provider: 1, to, amount } })
const thawing = (amount: bigint, readyAt: number): ChainEvent => ({
  source: 'registry',
  index: 0,
  event: { eventName: 'Thawing', args: { provider: 1, amount, readyAt } },
})
const coverSet = (cover: bigint): ChainEvent => told({ eventName: 'CoverSet', args: { provider: 1, cover } })

type Case = { made: Made; change?: (state: State) => void; kinds: readonly string[] }

/** Closing is over and nothing was settled: nothing but the closing itself can be wrong. */
const ended = (state: State): void => {
  const deal = state.deals.get(1)
  if (deal === undefined) throw new Error('there is no deal')
  deal.end = OPENED_AT - DAY
  deal.openingFee = 50n
  deal.streams = [{ count: 0, units: 0n, acknowledged: 0n }]
}
/** 1,000 base units whose window is over. */
const due = (state: State): void => {
  const wheel = state.wheels.get(1)
  if (wheel !== undefined) creditUnmatured(wheel, 1000n, OPENED_AT - 5 * DAY, 2)
}

const cases: Record<string, Case> = {
  'a deposit that was paid': { made: { events: [deposited(5n), moved(buyer, settlement, 5n)] }, kinds: [] },
  'a deposit nobody paid': { made: { events: [deposited(5n)] }, kinds: ['solvency'] },
  'a deposit paid short': { made: { events: [deposited(5n), moved(buyer, settlement, 4n)] }, kinds: ['solvency'] },
  'a donation': { made: { events: [moved(buyer, settlement, 4n)] }, kinds: [] },
  'a withdrawal': { made: { events: [withdrawn(500n), moved(settlement, buyer, 500n)] }, kinds: [] },
  'a withdrawal of more than is free': {
    made: { events: [withdrawn(501n), moved(settlement, buyer, 501n)] },
    kinds: ['withdrawal'],
  },
  'a withdrawal that pays more than it says': {
    made: { events: [withdrawn(5n), moved(settlement, buyer, 6n)] },
    kinds: ['solvency', 'solvency'],
  },
  'tokens that leave without a word': { made: { events: [moved(settlement, buyer, 6n)] }, kinds: ['solvency'] },
  'a stop by the buyer': { made: { events: [stopped(NOW)], input: stop(1), from: buyer }, kinds: [] },
  'a stop by a stranger': {
    made: { events: [stopped(NOW)], input: stop(1), from: addressOf('stranger') },
    kinds: ['authority'],
  },
  'a stop by a stranger once the budget is used up': {
    made: { events: [stopped(NOW)], input: stop(1), from: addressOf('stranger') },
    change: (state) => Object.assign(state.deals.get(1) ?? {}, { budget: 21_000n }),
    kinds: [],
  },
  'a stop dated back': { made: { events: [stopped(NOW - 1)], input: stop(1), from: buyer }, kinds: ['stop'] },
  'a closing in its time, the opening fee kept from an unused deal': {
    made: { events: [closed(999_950n, 50n), released(10n)] },
    change: ended,
    kinds: [],
  },
  'a closing that returns the opening fee though it is owed': {
    made: { events: [closed(1_000_000n, 0n), released(10n)] },
    change: ended,
    kinds: ['closing', 'closing'],
  },
  'a closing before its time': {
    made: { events: [closed(979_000n, 0n), released(10n)] },
    kinds: ['closing', 'closing'],
  },
  'a closing that keeps the bond': { made: { events: [closed(999_950n, 50n)] }, change: ended, kinds: ['bond'] },
  'money that matures with exact fees': { made: { events: [matured(1000n, 10n, 5n)] }, change: due, kinds: [] },
  'a fee rounded up': {
    made: { events: [matured(199n, 2n, 0n)] },
    change: (state) => {
      const wheel = state.wheels.get(1)
      if (wheel !== undefined) creditUnmatured(wheel, 199n, OPENED_AT - 5 * DAY, 2)
    },
    kinds: ['fee'],
  },
  'money that matures before its day': {
    made: { events: [matured(1000n, 10n, 5n)] },
    kinds: ['maturity', 'fee', 'fee'],
  },
  'a claim of what has matured': {
    made: { events: [matured(1000n, 10n, 5n), claimed(985n), moved(settlement, addressOf('payout'), 985n)] },
    change: due,
    kinds: [],
  },
  'a claim of more than has matured': {
    made: { events: [claimed(1n), moved(settlement, addressOf('payout'), 1n)] },
    kinds: ['claim'],
  },
  'a claim paid to somebody else': {
    made: {
      events: [matured(1000n, 10n, 5n), claimed(985n, addressOf('thief')), moved(settlement, addressOf('thief'), 985n)],
    },
    change: due,
    kinds: ['claim'],
  },
  'a thaw that lowers the cover': {
    made: { events: [thawing(10n ** 19n, NOW + 7 * DAY), coverSet(90_000_000n)] },
    kinds: [],
  },
  'a thaw that leaves the cover': { made: { events: [thawing(10n ** 19n, NOW + 7 * DAY)] }, kinds: ['coverage'] },
  'a thaw of reserved stake': {
    made: { events: [thawing(10n ** 20n, NOW + 7 * DAY), coverSet(0n)] },
    kinds: ['bond'],
  },
  'a thaw that is too short': {
    made: { events: [thawing(10n ** 19n, NOW + DAY), coverSet(90_000_000n)] },
    kinds: ['registry'],
  },
  'a cover that is not the stake’s': { made: { events: [coverSet(100_000_001n)] }, kinds: ['coverage'] },
  'stake that leaves the registry without a word': {
    made: {
      events: [{ source: 'transfer', index: 0, token: stakeToken ?? registry, from: registry, to: buyer, amount: 3n }],
    },
    kinds: ['solvency'],
  },
  'an acknowledgement nobody can read': {
    made: { events: [told({ eventName: 'Acknowledged', args: { id: 1, stream: 0, units: 20 } })] },
    kinds: ['unreadable'],
  },
  'a log nobody can read': {
    made: { events: [{ source: 'unreadable', index: 3, address: settlement, topic: '0x12' }] },
    kinds: ['unreadable'],
  },
  'an input nobody can read': { made: { events: [], input: '0xdeadbeef' }, kinds: ['unreadable'] },
  'a batch that settled from elsewhere': {
    made: {
      events: [told({ eventName: 'Settled', args: { lane: 1, root: stop(1), mode: 0, applied: '0x01', clock: NOW } })],
    },
    kinds: ['unreadable'],
  },
  'a batch that says nothing': {
    made: {
      events: [],
      input: encodeFunctionData({ abi: settlementAbi, functionName: 'settle', args: ['0x0001', '0x'] }),
    },
    kinds: ['unreadable'],
  },
}

describe('one transaction, told by hand', () => {
  for (const [name, { made, change, kinds }] of Object.entries(cases)) {
    it(`${kinds.length === 0 ? 'lets pass' : `reports ${[...new Set(kinds)].join(' and ')} for`} ${name}`, async () => {
      const state = ledger()
      state.notices = { thaw: 7 * DAY, payout: 7 * DAY, key: DAY }
      change?.(state)
      const findings = await replayOn(state, made)
      const found = findings.discrepancies()
      expect(found.map(({ kind }) => kind)).to.deep.equal(kinds)
      for (const { tx, block } of found) expect({ tx: tx?.length, block }).to.deep.equal({ tx: 66, block: 7 })
    })
  }

  it('touches the clock by an hour after a long silence, with a tick as with a deposit', async () => {
    for (const made of [
      { events: [], input: encodeFunctionData({ abi: settlementAbi, functionName: 'tick' }) },
      { events: [deposited(5n), moved(buyer, settlement, 5n)] },
    ]) {
      const state = ledger()
      await replayOn(state, { ...made, timestamp: NOW + 10 * DAY })
      expect(state.clock.value).to.equal(NOW + 3600)
    }
  })
})
