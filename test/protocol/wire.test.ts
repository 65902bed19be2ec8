/** @module */
import { expect } from 'chai'
import type { Hex } from 'viem'

import { type CalldataBatch, decodeBatch, encodeBatch } from '#protocol/batch.ts'
import * as wire from '#protocol/wire.ts'

const hash: Hex = `0x${'ab'.repeat(32)}`
const signature: Hex = `0x${'11'.repeat(64)}`
const account: Hex = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'

const order = { index: '18446744073709551615', inputRoot: hash, maxUnits: '50', signature }
const receipt = {
  units: '3',
  workHash: hash,
  order,
  outputRoot: hash,
  plainHash: hash,
  startedAt: 1_700_000_000,
  endedAt: 1_700_000_042,
}
const segment = {
  dealId: 7,
  dealKey: hash,
  stream: 1,
  first: 4,
  count: 6,
  units: '1099511627775',
  worker: 513,
  signature,
  receipts: [receipt, receipt],
}
const offer = {
  provider: account,
  nonce: '0',
  salt: hash,
  program: hash,
  kind: 1,
  unit: hash,
  price: '250',
  rateCap: 3600,
  minBudget: '1',
  maxBudget: '18446744073709551615',
  total: '18446744073709551615',
  buyer: `0x${'00'.repeat(20)}`,
  openingFee: '0',
  maxDuration: 604_800,
  expiry: 1_893_456_000,
  mode: 0,
  maxStreams: 62,
  minExposure: 0,
  arbiter: `0x${'00'.repeat(20)}`,
  panel: false,
}

const overJson = (value: unknown): unknown => JSON.parse(JSON.stringify(wire.toWire(value)))

describe('bodies on the wire', () => {
  const bodies: [string, (json: unknown) => unknown, unknown][] = [
    ['a data root', wire.parseDataRoot, hash],
    ['an offer', wire.parseOfferMessage, { offer, signature }],
    ['the answer to an offer', wire.parseOfferAnswer, { hash }],
    ['a list of offers', wire.parseOffersAnswer, { offers: [{ hash, offer, signature: '0x' }] }],
    ['an order', wire.parseOrderMessage, { dealKey: hash, ...order }],
    ['orders', wire.parseOrdersMessage, { orders: [{ dealKey: hash, ...order }] }],
    ['no orders', wire.parseOrdersMessage, { orders: [] }],
    ['the answer to orders', wire.parseOrdersAnswer, { accepted: 3 }],
    ['a segment', wire.parseSegmentMessage, segment],
    ['a refused segment', wire.parseSegmentAnswer, { tallyHash: hash, status: 'refused', check: 'order.signature' }],
    ['a settled segment', wire.parseSegmentAnswer, { tallyHash: hash, status: 'settled', transaction: hash }],
    [
      'an acknowledgement',
      wire.parseAcknowledgementMessage,
      { dealKey: hash, stream: 0, count: 6, units: '9', segment: hash, signature },
    ],
    ['a proposal', wire.parseProposalMessage, { batch: '0x0001', claims: 3, blobs: [`0x01${'ab'.repeat(31)}`] }],
    ['the answer to a proposal', wire.parseProposalAnswer, { member: account, epoch: 1, signature }],
    [
      'a problem',
      wire.parseProblem,
      {
        type: 'about:blank',
        title: 'Conflict',
        status: 409,
        code: 'proposal.refused',
        detail: 'two groups',
        refusals: [{ group: 1, check: 'tally.signature' }],
        hint: 'kept',
      },
    ],
  ]
  for (const [name, parse, json] of bodies) {
    it(`carry ${name} there and back`, () => {
      const parsed = parse(json)
      expect(overJson(parsed)).to.deep.equal(json)
      expect(parse(overJson(parsed))).to.deep.equal(parsed)
    })
  }

  it('parse wide integers to bigints and narrow ones to numbers', () => {
    const parsed = wire.parseSegmentMessage(segment)
    expect(parsed.units).to.equal(1099511627775n)
    expect(parsed.receipts[0]?.order.index).to.equal(18446744073709551615n)
    expect(parsed.count).to.equal(6)
  })

  it('take small units as JSON numbers too', () => {
    expect(wire.parseOrderMessage({ dealKey: hash, ...order, maxUnits: 50 }).maxUnits).to.equal(50n)
  })

  it('spell hashes in lower case and accounts with their checksum, however they came', () => {
    const shouted = `0x${'AB'.repeat(32)}`
    expect(wire.parseDataRoot(shouted)).to.equal(hash)
    const parsed = wire.parseOfferMessage({ offer: { ...offer, provider: account.toLowerCase() }, signature })
    expect(parsed.offer.provider).to.equal(account)
  })

  it('drop members nobody asked for', () => {
    expect(wire.parseOrdersAnswer({ accepted: 1, more: 2 })).to.deep.equal({ accepted: 1 })
  })

  it('read a query with its defaults', () => {
    expect(wire.parseOrdersQuery({ dealKey: hash })).to.deep.equal({ dealKey: hash, from: 0n, limit: 100 })
    expect(wire.parseOrdersQuery({ dealKey: hash, from: '7', limit: '5' })).to.deep.include({ from: 7n, limit: 5 })
    expect(() => wire.parseOrdersQuery({ dealKey: hash, limit: '1001' })).to.throw(wire.WireError)
  })
})

describe('bodies that are wrong', () => {
  const withReceipt = (change: object) => ({ ...segment, receipts: [receipt, { ...receipt, ...change }] })
  const wrong: [string, (json: unknown) => unknown, unknown][] = [
    ['', wire.parseDataRoot, '0xab'],
    ['', wire.parseDataRoot, 7],
    ['', wire.parseSegmentMessage, null],
    ['dealKey', wire.parseOrderMessage, order],
    ['index', wire.parseOrderMessage, { dealKey: hash, ...order, index: '18446744073709551616' }],
    ['index', wire.parseOrderMessage, { dealKey: hash, ...order, index: '01' }],
    ['index', wire.parseOrderMessage, { dealKey: hash, ...order, index: '-1' }],
    ['index', wire.parseOrderMessage, { dealKey: hash, ...order, index: '1e3' }],
    ['index', wire.parseOrderMessage, { dealKey: hash, ...order, index: '' }],
    ['index', wire.parseOrderMessage, { dealKey: hash, ...order, index: 2 ** 53 }],
    ['index', wire.parseOrderMessage, { dealKey: hash, ...order, index: 1.5 }],
    ['maxUnits', wire.parseOrderMessage, { dealKey: hash, ...order, maxUnits: '16777216' }],
    ['signature', wire.parseOrderMessage, { dealKey: hash, ...order, signature: `${signature}1b` }],
    ['offer.provider', wire.parseOfferMessage, { offer: { ...offer, provider: hash }, signature }],
    ['offer.rateCap', wire.parseOfferMessage, { offer: { ...offer, rateCap: 2 ** 32 }, signature }],
    ['signature', wire.parseOfferMessage, { offer, signature: '0x1' }],
    ['signature', wire.parseOfferMessage, { offer, signature: `0x${'11'.repeat(2049)}` }],
    ['stream', wire.parseSegmentMessage, { ...segment, stream: 64 }],
    ['first', wire.parseSegmentMessage, { ...segment, first: 2 ** 24, count: 2 ** 24 + 2 }],
    ['count', wire.parseSegmentMessage, { ...segment, first: 2 ** 24 - 2, count: 2 ** 24 }],
    ['units', wire.parseSegmentMessage, { ...segment, units: '1099511627776' }],
    ['worker', wire.parseSegmentMessage, { ...segment, worker: 2 ** 40 }],
    ['count', wire.parseSegmentMessage, { ...segment, count: 7 }],
    ['count', wire.parseSegmentMessage, { ...segment, count: 4, receipts: [receipt] }],
    ['receipts', wire.parseSegmentMessage, { ...segment, count: 4, receipts: [] }],
    ['receipts.1.units', wire.parseSegmentMessage, withReceipt({ units: '0' })],
    ['receipts.1.order.maxUnits', wire.parseSegmentMessage, withReceipt({ order: { ...order, maxUnits: null } })],
    ['receipts.1.startedAt', wire.parseSegmentMessage, withReceipt({ startedAt: -1 })],
    ['status', wire.parseSegmentAnswer, { tallyHash: hash, status: 'lost' }],
    ['batch', wire.parseProposalMessage, { batch: 'AAE=', claims: 1 }],
    ['claims', wire.parseProposalMessage, { batch: '0x', claims: 256 }],
  ]
  for (const [field, parse, json] of wrong) {
    it(`name ${field === '' ? 'themselves' : field}: ${JSON.stringify(json)?.slice(0, 60)}`, () => {
      expect(() => parse(json))
        .to.throw(wire.WireError)
        .that.includes({ code: 'wire.invalid', field })
    })
  }
})

describe('a segment in a batch', () => {
  it('leaves its preimages behind', () => {
    const group = wire.segmentToGroup(wire.parseSegmentMessage(segment))
    const batch: CalldataBatch = { mode: 0, lane: 1, groups: [group] }
    expect(decodeBatch(encodeBatch(batch))).to.deep.equal(batch)
    expect(group.first + group.receipts.length).to.equal(segment.count)
    expect(group.receipts).to.deep.equal([
      { units: 3n, workHash: hash },
      { units: 3n, workHash: hash },
    ])
  })
})
