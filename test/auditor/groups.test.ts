/** @module */
import { expect } from 'chai'
import { keccak256, stringToHex, zeroHash } from 'viem'

import type { ReadGroup } from '#auditor/decode.ts'
import { applyGroup, isUnfitToAttest, judgeGroup, passGroup } from '#auditor/groups.ts'
import { type Deal, membership, remainingOf, type State, wheelOf } from '#auditor/state.ts'
import { bucketOf, unmaturedAt } from '#auditor/wheel.ts'
import { acknowledgementDigest, tallyDigest, tallyHash } from '#protocol/eip712.ts'
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
  /** Stream's total that the batch says; by default what the worker signs. */
  said?: bigint
  /** Whether the receipts stand in a blob. */
  inBlob?: boolean
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
    place: 0,
    worker,
    first,
    count,
    units: shape.said ?? total,
    segment,
    bytes: shape.inBlob === true ? null : bytes,
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
    'says more units than its receipts have': { shape: { total: 41n }, outcome: 'UnitsMismatch' },
    'says fewer units than its receipts have': { shape: { total: 39n }, outcome: 'UnitsMismatch' },
    'says of receipts in a blob what they may have': { shape: { inBlob: true, total: 31n }, outcome: 'Applied' },
    'leaves a receipt in a blob no unit': { shape: { inBlob: true, total: 30n }, outcome: 'UnitsMismatch' },
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
    'is signed over another total': { shape: { total: 41n, said: 40n }, outcome: 'BadSignature' },
    'is of a revoked worker and signed by somebody else': {
      shape: { signer: 'stranger' },
      change: (state) => revoke(state, OPENED_AT),
      outcome: 'BadSignature',
    },
    'is acknowledged by somebody else': {
      shape: { lane: Lane.Acknowledged, acknowledger: 'stranger' },
      outcome: 'BadAcknowledgement',
    },
    'stays exactly within the rate': { deal: { rateCap: 40 }, outcome: 'Applied' },
    'passes the rate by one unit': { deal: { rateCap: 39 }, outcome: 'RateExceeded' },
    'is late: the rate stands at the end': { deal: { rateCap: 79, end: OPENED_AT + 1800 }, outcome: 'RateExceeded' },
    'stays exactly within the exposure': { deal: { allowance: 40n }, outcome: 'Applied' },
    'passes the exposure by one unit': { deal: { allowance: 39n }, outcome: 'ExposureExceeded' },
    'passes the exposure but is acknowledged': {
      deal: { allowance: 39n },
      shape: { lane: Lane.Acknowledged },
      outcome: 'Applied',
    },
    'passes the exposure only beyond the budget': { deal: { allowance: 39n, budget: 39n * 700n }, outcome: 'Clamped' },
    'fills the cover exactly': { change: (state) => setCover(state, 7000n), outcome: 'Applied' },
    'passes the cover by one base unit': { change: (state) => setCover(state, 6999n), outcome: 'CoverageExceeded' },
    'passes the cover but is acknowledged': {
      change: (state) => setCover(state, 0n),
      shape: { lane: Lane.Acknowledged },
      outcome: 'Applied',
    },
    'costs nothing though the cover fell': {
      deal: { budget: 30n * 700n },
      change: (state) => setCover(state, -1n),
      outcome: 'Clamped',
    },
    'is cut by the budget': { deal: { budget: 40n * 700n - 1n }, outcome: 'Clamped' },
    'finds the budget used up': { deal: { budget: 30n * 700n }, outcome: 'Clamped' },
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
    // net mode's tree is made of functions; moving it makes another
    const { nets: netsBefore, ...rest } = state
    const [before, netted] = [structuredClone(rest), { ...netsBefore }]
    judge(state)
    const { nets, ...after } = state
    expect(after).to.deep.equal(before)
    expect(nets).to.deep.equal(netted)
  })
})

describe('a group that members cannot have signed for', () => {
  const unfit = (shape: Shape, change: (state: State) => void = () => undefined): boolean => {
    const state = ledger()
    change(state)
    return isUnfitToAttest(judgeGroup(state, Lane.Attested, group(shape)))
  }

  it('names another provider’s worker', () => expect(unfit({ worker: FOREIGN_WORKER })).to.equal(true))
  it('is not signed where its stream stands', () => expect(unfit({ signer: 'stranger' })).to.equal(true))
  it('is none whose stream was moved meanwhile', () => {
    const moved = { first: 1, units: [20n, 10n], total: 40n, signer: 'stranger' }
    expect(unfit(moved)).to.equal(false)
  })
  it('is none whose worker was revoked', () => {
    expect(unfit({}, (state) => revoke(state, OPENED_AT))).to.equal(false)
  })
})

describe('what an applied group does', () => {
  const applied = (lane: number, deal: Partial<Deal> = {}, change?: (state: State) => void): State => {
    const state = ledger(deal)
    change?.(state)
    applyGroup(state, lane, judgeGroup(state, lane, group({ lane })))
    return state
  }
  const near = (state: State, day: number): bigint => bucketOf(wheelOf(state, 1).near, day)
  const far = (state: State, day: number): bigint => bucketOf(wheelOf(state, 1).far, day)
  const today = 20_000

  it('moves the stream, by which the deal has less left', () => {
    const one = applied(Lane.Attested).deals.get(1)
    expect(one?.streams[0]).to.deep.equal({ count: 3, units: 40n, acknowledged: 0n })
    expect(one === undefined ? 0n : remainingOf(one)).to.equal(1_000_000n - 40n * 700n)
  })

  it('puts attested money two days on and forced money four days on when it comes in mid-day', () => {
    expect(near(applied(Lane.Attested), today + 2)).to.equal(7000n)
    expect(far(applied(Lane.Forced), today + 4)).to.equal(7000n)
  })

  it('issues a room on the first attested credit of a day, and takes from it after that', () => {
    const state = applied(Lane.Attested)
    const room = () => wheelOf(state, 1).room
    expect(room()).to.deep.equal({ day: today, left: 100_000_000n - 7000n, due: 2 })
    state.parameters = { ...state.parameters, attestedWindow: 3600, forcedWindow: 7200 }
    const next = group({ first: 3, total: 50n })
    applyGroup(state, Lane.Attested, judgeGroup(state, Lane.Attested, next))
    expect(room()).to.deep.equal({ day: today, left: 100_000_000n - 14_000n, due: 2 })
    expect(near(state, today + 2)).to.equal(14_000n)
  })

  it('issues none for a provider with a revoked worker', () => {
    const state = applied(Lane.Attested, {}, (one) => {
      wheelOf(one, 1).hasRevocations = true
    })
    expect(wheelOf(state, 1).room).to.equal(null)
    expect(near(state, today + 2)).to.equal(7000n)
  })

  it('issues a room anew when forced money comes in, and none where none was', () => {
    expect(wheelOf(applied(Lane.Forced), 1).room).to.equal(null)
    const state = applied(Lane.Forced, {}, (one) => {
      wheelOf(one, 1).room = { day: today, left: 5n, due: 1 }
    })
    expect(wheelOf(state, 1).room).to.deep.equal({ day: today, left: 100_000_000n - 7000n, due: 2 })
  })

  it('keeps acknowledged money out of every window and lets more be paid', () => {
    const state = applied(Lane.Acknowledged, { allowance: 10n })
    expect(unmaturedAt(wheelOf(state, 1), state.clock.value)).to.equal(0n)
    expect(state.deals.get(1)?.allowance).to.equal(50n)
    expect(state.deals.get(1)?.streams[0]?.acknowledged).to.equal(40n)
  })

  it('pays what is left where the budget ends', () => {
    const state = applied(Lane.Attested, { budget: 30n * 700n + 10n })
    const one = state.deals.get(1)
    expect(one === undefined ? -1n : remainingOf(one)).to.equal(0n)
    expect(near(state, today + 2)).to.equal(10n)
  })

  it('leaves a fresh room behind where it found none', () => {
    const state = ledger()
    setCover(state, 5n)
    const judged = judgeGroup(state, Lane.Attested, group({}))
    passGroup(state, Lane.Attested, judged)
    expect(wheelOf(state, 1).room).to.deep.equal({ day: today, left: 5n, due: 2 })
  })
})

describe('the leaf of a group', () => {
  it('is the tally that its worker signed, whatever its stream stands at', () => {
    const one = group({})
    const leafOf = (state: State): string => judgeGroup(state, Lane.Attested, one).tallyHash
    const { stream, first, count, units, segment } = one
    expect(leafOf(ledger())).to.equal(tallyHash({ dealKey: KEY, stream, first, count, units, segment }))
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
