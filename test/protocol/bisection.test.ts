/** @module */
import { expect } from 'chai'
import { type Hex, keccak256, toHex } from 'viem'

import {
  type Answer,
  decodeAnswer,
  decodePosition,
  dissection,
  encodePosition,
  firstDisagreement,
  levelsOf,
  listRoot,
  openingLevel,
  type Position,
  partEnds,
  positionAfter,
  stepProof,
} from '#protocol/bisection.ts'
import { decodeOpening, encodeOpening, openingEnds, openingPosition, stepsOfCore } from '#protocol/bisection-opening.ts'

const word = (seed: number | bigint): Hex => keccak256(toHex(seed))
const statesAt = (ends: readonly bigint[], salt = 0n) => ends.map((end) => word(end + salt))

/** A run's final core, of which the tests look at the steps only. */
const coreAt = (steps: bigint): Hex => `0x${'ab'.repeat(128)}${steps.toString(16).padStart(16, '0')}01`

describe('bisection', () => {
  describe('levels', () => {
    for (const [steps, levels] of [
      [1n, 1],
      [2n, 1],
      [16n, 1],
      [17n, 2],
      [256n, 2],
      [257n, 3],
      [2n ** 27n, 7],
      [2n ** 40n, 10],
      [2n ** 40n + 1n, 11],
      [(2n ** 24n - 1n) * 10n ** 6n, 11],
    ] as const) {
      it(`are ${levels} for a run of ${steps} steps`, () => {
        expect(levelsOf(steps)).to.equal(levels)
        expect(openingLevel(steps) % 2).to.equal(1)
        expect(openingLevel(steps) - levels).to.equal(levels % 2 === 0 ? 1 : 0)
      })
    }
  })

  describe('parts', () => {
    it('of a full interval are sixteen of one size', () => {
      expect(partEnds({ lo: 512n, steps: 10_000n, level: 2 })).to.deep.equal(
        Array.from({ length: 16 }, (_, part) => 512n + 16n * BigInt(part + 1)),
      )
    })

    it('end with the run: the last one is shorter', () => {
      expect(partEnds({ lo: 256n, steps: 300n, level: 2 })).to.deep.equal([272n, 288n, 300n])
      expect(partEnds({ lo: 0n, steps: 1n, level: 1 })).to.deep.equal([1n])
    })

    it('of an even number of levels are one, the whole run, at first', () => {
      expect(openingEnds(2n ** 40n)).to.deep.equal([2n ** 40n])
      expect(openingEnds(17n)).to.deep.equal([17n])
      expect(openingEnds(16n)).to.have.length(16)
    })
  })

  describe('an answer', () => {
    it('shows any part of a list and the entry before it, by the list’s root', () => {
      const steps = 16n ** 3n
      const ends = openingEnds(steps)
      const list = statesAt(ends)
      const position = openingPosition(steps, word(0), list)
      for (const part of ends.keys()) {
        const own = statesAt(partEnds(partOf(position, list, part)), 7n)
        const answer = decodeAnswer(position, dissection(list, part, own))
        expect([answer.part, answer.before, answer.entry]).to.deep.equal([part, list[part - 1], list[part]])
        expect(answer.list).to.deep.equal(own)
        expect(rootOf(answer)).to.equal(position.root)
        const after = positionAfter(position, answer)
        expect(decodePosition(encodePosition(after))).to.deep.equal(after)
        expect(after).to.deep.equal({
          ...{ lo: BigInt(part) * 256n, steps, level: 2 },
          ...{ from: part === 0 ? position.from : list[part - 1], root: listRoot(own) },
        })
      }
    })

    it('to a list of single steps brings the witness of one', () => {
      const list = statesAt(openingEnds(9n))
      const position = openingPosition(9n, word(0), list)
      const answer = decodeAnswer(position, stepProof(list, 8, '0xabcdef'))
      expect([answer.part, answer.before, answer.entry, answer.witness]).to.deep.equal([
        8,
        list[7],
        list[8],
        '0xabcdef',
      ])
      expect(rootOf(answer)).to.equal(position.root)
    })

    it('begins at the first entry that is not as in one’s own run', () => {
      const list = statesAt([1n, 2n, 3n])
      expect(firstDisagreement(list, [word(1), word(9), word(9)])).to.equal(1)
      expect(() => firstDisagreement(list, list)).to.throw('nothing in the list is disputed')
    })

    it('is refused where it is none', () => {
      const list = statesAt(openingEnds(300n))
      const position = openingPosition(300n, word(0), list)
      const move = dissection(list, 0, statesAt(partEnds(partOf(position, list, 0))))
      for (const wrong of ['0x', '0xff', '0x02', move.slice(0, -2), `${move}00`, `0x10${move.slice(4)}`]) {
        expect(() => decodeAnswer(position, wrong as Hex), wrong.slice(0, 8)).to.throw()
      }
      expect(() => decodePosition('0x00')).to.throw('is no position')
      expect(() => dissection(list, 2, [])).to.throw('has no part 2')
    })
  })

  it('begins with an opening that says what was ordered, run and delivered', () => {
    const opening = {
      ...{ startedAt: 1_700_000_000n, endedAt: 1_700_000_009n, order: { index: 4n, maxUnits: 2n ** 48n - 1n } },
      input: { length: 2 ** 24, tree: word(1) },
      program: { codeRoot: word(2), programRoot: word(3), entry: 0x80000010 },
      final: { programRoot: word(4), output: word(5), inputRoot: word(6), core: coreAt(2n ** 40n) },
      list: [word(7)],
    }
    expect(decodeOpening(encodeOpening(opening))).to.deep.equal(opening)
    expect(stepsOfCore(opening.final.core)).to.equal(2n ** 40n)
    expect(() => decodeOpening('0x1234')).to.throw('is no opening')
  })
})

const partOf = (position: Position, list: readonly Hex[], part: number) => ({
  ...{ lo: position.lo + BigInt(part) * 16n ** BigInt(position.level - 1), steps: position.steps },
  ...{ level: position.level - 1, from: list[part - 1] ?? position.from },
})

/** Root that an answer's entries and siblings lead to, climbed as the chain does it. */
function rootOf({ part, before, entry, siblings }: Answer): Hex {
  const rest = [...siblings]
  const pair = (left: Hex, right: Hex) => keccak256(`${left}${right.slice(2)}`)
  const next = (): Hex => rest.shift() ?? '0x'
  let [left, right, met] = [before ?? '0x', entry, before === undefined]
  for (let [level, index] = [0, part]; level < 4; level += 1, index >>= 1) {
    if (met) right = index % 2 === 0 ? pair(right, next()) : pair(next(), right)
    else if (index % 2 === 1) [right, met] = [pair(left, right), true]
    else [left, right] = [pair(next(), left), pair(right, next())]
  }
  expect(rest).to.deep.equal([])
  return right
}
