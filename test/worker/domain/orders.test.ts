/**
 * Which orders a worker takes.
 *
 * @module
 */
import { expect } from 'chai'
import { keccak256, stringToHex } from 'viem'

import { orderDigest } from '#protocol/eip712.ts'
import { signCompact } from '#protocol/signature.ts'
import { DealState, Kind } from '#protocol/types.ts'
import { checkOrder } from '#worker/domain/orders.ts'
import type { ChainView, DealFacts, Fleet } from '#worker/domain/view.ts'
import { WorkerError } from '#worker/errors.ts'
import type { SignedOrder } from '#worker/rows.ts'

import { dealOf, domain, orderKey, orderOf, viewOf } from '../support/fixtures.ts'

const alone: Fleet = { position: 0, size: 1 }

function verdict(order: SignedOrder, deal: DealFacts = dealOf(), fleet = alone, view?: ChainView): string {
  try {
    const taken = checkOrder(order, view ?? viewOf(deal), fleet, domain)
    return `stream ${taken.stream} of deal ${taken.deal.id}`
  } catch (error) {
    if (error instanceof WorkerError) return error.code
    throw error
  }
}

describe('orders a worker takes', () => {
  it('are signed by the deal, for one of its streams', () => {
    expect(verdict(orderOf(0))).to.equal('stream 0 of deal 7')
    expect(verdict(orderOf(7))).to.equal('stream 3 of deal 7')
    expect(verdict(orderOf(2n ** 64n - 1n))).to.equal('stream 3 of deal 7')
  })

  it('belong to the part of the streams that the worker serves', () => {
    const second: Fleet = { position: 1, size: 2 }
    expect([0, 1, 2, 3].map((index) => verdict(orderOf(index), dealOf(), second))).to.deep.equal([
      'order.other-stream',
      'stream 1 of deal 7',
      'order.other-stream',
      'stream 3 of deal 7',
    ])
  })

  const stranger = keccak256(stringToHex('stranger'))
  const otherChain = signCompact(orderDigest(orderOf(0), { ...domain, chainId: 1 }), orderKey)
  const deal = dealOf()
  const offer = deal.offer
  const refused: readonly [string, string, SignedOrder, DealFacts?, ChainView?][] = [
    ['a deal nobody knows', 'order.unknown-deal', orderOf(0, { dealKey: stranger })],
    ['a deal whose time is over', 'order.deal-ended', orderOf(0), deal, viewOf(deal, { clock: deal.end })],
    ['a deal that is closing', 'order.deal-ended', orderOf(0), dealOf({ state: DealState.Closing })],
    ['a service', 'order.unsupported', orderOf(0), dealOf({ offer: { ...offer, kind: Kind.Service } })],
    ['a deal of another mode', 'order.unsupported', orderOf(0), dealOf({ offer: { ...offer, mode: 2 } })],
    ['no units at all', 'order.max-units', orderOf(0, { maxUnits: 0n })],
    ['more than the deal can ever hold', 'order.unpayable', orderOf(0, { maxUnits: 1_001n })],
    ["a stranger's signature", 'order.bad-signature', orderOf(0, {}, stranger)],
    ["another task's signature", 'order.bad-signature', orderOf(0, { signature: orderOf(4).signature })],
    ["another chain's signature", 'order.bad-signature', orderOf(0, { signature: otherChain })],
    ['no signature', 'order.bad-signature', orderOf(0, { signature: `0x${'00'.repeat(64)}` })],
  ]
  for (const [title, code, order, of, view] of refused) {
    it(`are refused for ${title}`, () => expect(verdict(order, of, alone, view)).to.equal(code))
  }
})
