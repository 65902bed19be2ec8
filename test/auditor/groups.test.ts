/** @module */
import { expect } from 'chai'
import { hexToBytes, keccak256, stringToHex, zeroHash } from 'viem'

import type { ReadGroup } from '#auditor/decode.ts'
import { applyGroup, judgeGroup } from '#auditor/groups.ts'
import { type Deal, membership, type State } from '#auditor/state.ts'
import { bucketOf, unmaturedAt } from '#auditor/wheel.ts'
import { acknowledgementDigest, tallyDigest } from '#protocol/eip712.ts'
import { encodeReceipts } from '#protocol/receipts.ts'
import { signCompact } from '#protocol/signature.ts'
import { Lane, Outcome } from '#protocol/types.ts'

import { DAY, FOREIGN_WORKER, keyOf, ledger, OPENED_AT, WORKER } from './support/ledger.ts'

const NAMES = new Map<number, string>(Object.entries(Outcome).map(([name, value]) => [value, name]))
const KEY = keccak256(stringToHex('deal 1'))

/** What a group is made of; by default it continues the stream by one receipt of 10 units. */
type Shape = {
  lane?: number
  dealId?: number
  stream?: number
  first?: number
  units?: readonly bigint[]
  worker?: number
  signer?: string
  acknowledger?: string
  /** Stream's total that the worker signs. */
  total?: bigint
}

function group(shape: Shape): ReadGroup {
  const { lane = Lane.Attested, dealId = 1, stream = 0, first = 2, units = [10n], worker = WORKER } = shape
  const receipts = units.map((one, i) => ({ units: one, workHash: keccak256(stringToHex(`work ${first + i}`)) }))
  const bytes = encodeReceipts(receipts)
  const total = shape.total ?? 30n + units.reduce((sum, one) => sum + one, 0n)
  const [count, segment] = [first + units.length, keccak256(bytes)]
  const domain = ledger().domain
  const tally = { dealKey: KEY, stream, first, count, units: total, segment }
  const acknowledgement = { dealKey: KEY, stream, count, units: total, segment }
  const vouched = signCompact(acknowledgementDigest(acknowledgement, domain), keyOf(shape.acknowledger ?? 'ack key'))
  return {
    dealId,
    stream,
    worker,
    first,
    count,
    receipts,
    bytes,
    signature: signCompact(tallyDigest(tally, domain), keyOf(shape.signer ?? 'worker')),
    acknowledgement: lane === Lane.Acknowledged ? vouched : null,
  }
}

const judge = (state: State, shape: Shape = {}): string | undefined =>
  NAMES.get(judgeGroup(state, shape.lane ?? Lane.Attested, group(shape)).outcome)

describe('the nine rules of a group', () => {
  type Case = { deal?: Partial<Deal>; shape?: Shape; change?: (state: State) => void; outcome: keyof typeof Outcome }
  const cases: Record<string, Case> = {
    'continues its stream': { outcome: 'Applied' },
    'overlaps what is settled': { shape: { first: 1, units: [20n, 10n], total: 40n }, outcome: 'Applied' },
    'settles while the deal is closing': { deal: { end: OPENED_AT + 1800 }, outcome: 'Applied' },
    'names no deal': { shape: { dealId: 2 }, outcome: 'DealNotOpen' },
    'names a closed deal': { deal: { closedAt: OPENED_AT }, outcome: 'DealNotOpen' },
    'comes after the closing period': { deal: { end: OPENED_AT - DAY }, outcome: 'DealNotOpen' },
    'is of a deal settled elsewhere': { deal: { mode: 2 }, outcome: 'ModeMismatch' },
    'names a stream the deal has not': { shape: { stream: 2 }, outcome: 'StreamOutOfRange' },
    'leaves receipts out': { shape: { first: 3 }, outcome: 'Gap' },
    'brings nothing new': { shape: { first: 0, units: [10n, 20n] }, outcome: 'Stale' },
    'passes 2^48 units': {
      change: (state) => {
        const stream = state.deals.get(1)?.streams[0]
        if (stream !== undefined) stream.units = 2n ** 48n - 10n
      },
      outcome: 'UnitsOverflow',
    },
    'is of a worker nobody registered': { shape: { worker: 99 }, outcome: 'NotAWorker' },
    'is of another provider’s worker': { shape: { worker: FOREIGN_WORKER }, outcome: 'NotAWorker' },
    'is of a worker revoked by now': {
      change: (state) => revoke(state, OPENED_AT),
      outcome: 'NotAWorker',
    },
    'is of a worker revoked later': {
      change: (state) => revoke(state, OPENED_AT + DAY),
      outcome: 'Applied',
    },
    'is signed by somebody else': { shape: { signer: 'stranger' }, outcome: 'BadSignature' },
    'is signed over another total': { shape: { total: 41n }, outcome: 'BadSignature' },
    'is acknowledged by somebody else': {
      shape: { lane: Lane.Acknowledged, acknowledger: 'stranger' },
      outcome: 'BadAcknowledgement',
    },
    'stays exactly within the rate': { deal: { rateCap: 40 }, outcome: 'Applied' },
    'passes the rate by one unit': { deal: { rateCap: 39 }, outcome: 'RateExceeded' },
    'is late: the rate stands at the end': { deal: { rateCap: 79, end: OPENED_AT + 1800 }, outcome: 'RateExceeded' },
    'stays exactly within the exposure': { deal: { floor: 993_000n }, outcome: 'Applied' },
    'passes the exposure by one base unit': { deal: { floor: 993_001n }, outcome: 'ExposureExceeded' },
    'passes the exposure but is acknowledged': {
      deal: { floor: 993_001n },
      shape: { lane: Lane.Acknowledged },
      outcome: 'Applied',
    },
    'fills the cover exactly': { change: (state) => setCover(state, 7000n), outcome: 'Applied' },
    'passes the cover by one base unit': { change: (state) => setCover(state, 6999n), outcome: 'CoverageExceeded' },
    'passes the cover but is acknowledged': {
      change: (state) => setCover(state, 0n),
      shape: { lane: Lane.Acknowledged },
      outcome: 'Applied',
    },
    'is cut by the budget': { deal: { remaining: 6999n }, outcome: 'Clamped' },
    'finds the budget used up': { deal: { remaining: 0n }, outcome: 'Clamped' },
    'breaks two rules: the earlier one counts': {
      deal: { rateCap: 1 },
      shape: { signer: 'stranger' },
      outcome: 'BadSignature',
    },
  }
  for (const [name, { deal, shape, change, outcome }] of Object.entries(cases)) {
    it(`give ${outcome} when it ${name}`, () => {
      const state = ledger(deal)
      change?.(state)
      expect(judge(state, shape)).to.equal(outcome)
    })
  }

  it('change nothing by judging', () => {
    const state = ledger()
    const before = structuredClone(state)
    judge(state)
    expect(state).to.deep.equal(before)
  })
})

describe('what an applied group does', () => {
  const applied = (lane: number, deal: Partial<Deal> = {}): State => {
    const state = ledger(deal)
    applyGroup(state, lane, judgeGroup(state, lane, group({ lane })))
    return state
  }

  it('moves the stream and debits the deal', () => {
    const one = applied(Lane.Attested).deals.get(1)
    expect(one?.streams[0]).to.deep.equal({ count: 3, units: 40n, acknowledged: 0n })
    expect(one?.remaining).to.equal(1_000_000n - 7000n)
  })

  it('puts attested money two days on and forced money four days on when it comes in mid-day', () => {
    const today = 20_000
    const attested = applied(Lane.Attested).wheels.get(1)
    expect(bucketOf(attested?.near ?? new Map(), today + 2)).to.equal(7000n)
    const forced = applied(Lane.Forced).wheels.get(1)
    expect(bucketOf(forced?.far ?? new Map(), today + 4)).to.equal(7000n)
  })

  it('keeps acknowledged money out of every window and lowers the floor', () => {
    const state = applied(Lane.Acknowledged, { floor: 100n })
    const wheel = state.wheels.get(1)
    expect(wheel === undefined ? -1n : unmaturedAt(wheel, state.clock.value)).to.equal(0n)
    expect(state.deals.get(1)?.floor).to.equal(100n - 40n * 700n)
    expect(state.deals.get(1)?.streams[0]?.acknowledged).to.equal(40n)
  })

  it('pays what is left where the budget ends', () => {
    const state = applied(Lane.Attested, { remaining: 10n })
    expect(state.deals.get(1)?.remaining).to.equal(0n)
    expect(bucketOf(state.wheels.get(1)?.near ?? new Map(), 20_002)).to.equal(10n)
  })
})

describe('the leaf of a group', () => {
  it('is the hash of five words, free of the stream’s state', () => {
    const one = group({})
    const leafOf = (state: State): string => judgeGroup(state, Lane.Attested, one).groupHash
    const words = [KEY, 0, 2, 3, keccak256(one.bytes)].map((word) =>
      typeof word === 'number' ? word.toString(16).padStart(64, '0') : word.slice(2),
    )
    expect(leafOf(ledger())).to.equal(keccak256(hexToBytes(`0x${words.join('')}`)))
    expect(leafOf(ledger({ streams: [{ count: 9, units: 99n, acknowledged: 0n }] }))).to.equal(leafOf(ledger()))
  })

  it('takes a zero key where there never was a deal', () => {
    const state = ledger()
    const { tally } = judgeGroup(state, Lane.Attested, group({ dealId: 5 }))
    expect(tally.dealKey).to.equal(zeroHash)
  })

  it('takes the key of the deal that had the id last', () => {
    const state = ledger()
    state.deals.delete(1)
    expect(judgeGroup(state, Lane.Attested, group({})).tally.dealKey).to.equal(KEY)
  })
})

function setCover(state: State, cover: bigint): void {
  const wheel = state.wheels.get(1)
  if (wheel !== undefined) wheel.cover = cover
}

/** Ends the membership of the worker's key with its provider. */
function revoke(state: State, from: number): void {
  const worker = state.workers.get(WORKER)
  if (worker !== undefined) state.revocations.set(membership(worker), from)
}
