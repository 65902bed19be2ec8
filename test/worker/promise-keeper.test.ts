import { expect } from 'chai'
import { keccak256, stringToHex } from 'viem'

import { promiseDigest } from '#protocol/eip712.ts'
import { addressOf, signCompact } from '#protocol/signature.ts'
import { createLog } from '#runtime/log.ts'
import type { KeptPromise, SignedTally } from '#worker/rows.ts'
import { createBoard } from '#worker/services/board.ts'
import { createPromiseKeeper } from '#worker/services/promise-keeper.ts'

import { dealKey, dealOf, domain, viewOf } from './support/fixtures.ts'

const memberKey = keccak256(stringToHex('member key'))
const tally: SignedTally = {
  ...{ dealKey, stream: 1, first: 0, count: 4, units: 4n, segment: dealKey },
  ...{ hash: keccak256(stringToHex('tally')), signature: '0x' },
}
const before = 1_700_009_000
const signature = signCompact(promiseDigest({ tally: tally.hash, before }, domain), memberKey)

describe('keeping promises', () => {
  function keeping(epoch = 3) {
    const kept: Omit<KeptPromise, 'id'>[] = []
    const board = createBoard(() => 0)
    const signers = [addressOf(keccak256(stringToHex('other'))), addressOf(memberKey)]
    board.update(viewOf(dealOf(), { committee: { epoch, signers } }))
    const store = { keepPromise: (promise: Omit<KeptPromise, 'id'>) => void kept.push(promise) }
    const log = createLog({ name: 'worker', level: 'silent' })
    return { kept, board, keeper: createPromiseKeeper({ store, board, domain, log }) }
  }

  it('keeps what a member of this epoch signed, with the place of its tally', () => {
    const { kept, keeper } = keeping()
    expect(keeper.keep('http://m', tally, { epoch: 3, member: 1, before, signature })).to.equal(true)
    expect(kept).to.deep.equal([{ dealKey, stream: 1, first: 0, count: 4, epoch: 3, member: 1, before, signature }])
  })

  const others = [
    ['about another time', { epoch: 3, member: 1, before: before + 1, signature }],
    ["under another member's seat", { epoch: 3, member: 0, before, signature }],
    ['of another epoch', { epoch: 2, member: 1, before, signature }],
    ['that is no signature', { epoch: 3, member: 1, before, signature: `0x${'00'.repeat(64)}` as const }],
  ] as const
  for (const [what, promise] of others) {
    it(`keeps nothing ${what}, and says so`, () => {
      const { kept, board, keeper } = keeping()
      expect(keeper.keep('http://m', tally, promise)).to.equal(false)
      expect(kept).to.deep.equal([])
      expect(board.refusals().map(({ check }) => check)).to.deep.equal(['promise.signature'])
    })
  }
})
