/** @module */
import { expect } from 'chai'
import { keccak256, numberToHex, stringToHex } from 'viem'

import { evidenceHash, faultSubject, type SignedSegment } from '#protocol/evidence.ts'
import { equivocationOf, isOverclaimed } from '#protocol/faults.ts'
import { encodeReceipts, segmentHash, totalUnits } from '#protocol/receipts.ts'
import { Fault, type Receipt } from '#protocol/types.ts'

const DEAL_KEY = keccak256(stringToHex('a deal'))
const SIGNATURE = `0x${'11'.repeat(64)}` as const
const ROUNDS = 300
const HOUR = 3600

/** Numbers below `most`, the same ones in every run. */
function createDice(seed: number): (most: number) => number {
  let state = seed
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % most
  }
}

type Dice = ReturnType<typeof createDice>

function receipt(dice: Dice): Receipt {
  return { units: BigInt(1 + dice(50)), workHash: keccak256(numberToHex(dice(2 ** 31))) }
}

/** The segment of receipts `first … count` of a history, as its worker signs it. */
function signed(history: readonly Receipt[], first: number, count: number): SignedSegment {
  const receipts = history.slice(first, count)
  const units = totalUnits(history.slice(0, count))
  const tally = { dealKey: DEAL_KEY, stream: 3, first, count, units, segment: segmentHash(encodeReceipts(receipts)) }
  return { tally, worker: 512, signature: SIGNATURE, receipts }
}

function pieceOf(dice: Dice, history: readonly Receipt[]): SignedSegment {
  const first = dice(history.length)
  return signed(history, first, first + 1 + dice(history.length - first))
}

const bare = ({ tally, worker, signature }: SignedSegment) => ({ tally, worker, signature })

describe('faults in signed words', () => {
  it('are never found in what one history was signed in, whatever the pieces', () => {
    const dice = createDice(1)
    for (let round = 0; round < ROUNDS; round++) {
      const history = Array.from({ length: 1 + dice(40) }, () => receipt(dice))
      const [one, other] = [pieceOf(dice, history), pieceOf(dice, history)]
      expect(equivocationOf(1, one, other), `round ${round}`).to.equal(null)
      expect(equivocationOf(1, bare(one), bare(other)), `round ${round}, unseen`).to.equal(null)
      expect(equivocationOf(1, one, bare(other)), `round ${round}, half seen`).to.equal(null)
    }
  })

  it('are found where two histories part, if both pieces hold that receipt', () => {
    const dice = createDice(2)
    for (let round = 0; round < ROUNDS; round++) {
      const history = Array.from({ length: 2 + dice(40) }, () => receipt(dice))
      const parts = dice(history.length)
      const other = [...history.slice(0, parts), ...history.slice(parts).map(() => receipt(dice))]
      const a = signed(history, dice(parts + 1), parts + 1 + dice(history.length - parts))
      const b = signed(other, dice(parts + 1), parts + 1 + dice(other.length - parts))
      const found = equivocationOf(1, a, b)
      expect(found?.index, `round ${round}`).to.equal(parts)
      expect(equivocationOf(1, b, a), `round ${round}, turned round`).to.deep.equal(found)
    }
  })

  it('of other streams or deals have nothing to do with each other', () => {
    const dice = createDice(3)
    const [one, other] = [signed([receipt(dice)], 0, 1), signed([receipt(dice)], 0, 1)]
    expect(equivocationOf(1, one, { ...other, tally: { ...other.tally, stream: 4 } })).to.equal(null)
    expect(
      equivocationOf(1, one, { ...other, tally: { ...other.tally, dealKey: SIGNATURE.slice(0, 66) as `0x${string}` } }),
    ).to.equal(null)
  })

  it('are overclaims above 1.25 times the cap and an hour, to the unit', () => {
    for (const [cap, elapsed] of [
      [1, 0],
      [3600, 8 * HOUR],
      [1000, 17],
      [7, 999_999],
    ] as const) {
      const most = (BigInt(cap) * BigInt(5 * elapsed + 4 * HOUR)) / BigInt(4 * HOUR)
      expect(isOverclaimed(most, cap, elapsed), `${cap} for ${elapsed}`).to.equal(false)
      expect(isOverclaimed(most + 1n, cap, elapsed), `${cap} for ${elapsed}`).to.equal(true)
    }
  })

  it('have a subject and evidence that say deal, stream, class and index', () => {
    const subjects = [
      faultSubject(DEAL_KEY, 0, Fault.Equivocation),
      faultSubject(DEAL_KEY, 1, Fault.Equivocation),
      faultSubject(DEAL_KEY, 0, Fault.Overclaim),
      faultSubject(SIGNATURE.slice(0, 66) as `0x${string}`, 0, Fault.Equivocation),
    ]
    expect(new Set(subjects).size).to.equal(subjects.length)
    expect(evidenceHash(1, DEAL_KEY)).not.to.equal(evidenceHash(2, DEAL_KEY))
  })
})
