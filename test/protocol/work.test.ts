/** @module */
import { expect } from 'chai'
import { type Hex, keccak256 } from 'viem'
import { FieldError, toBytes, toHex } from '#protocol/words.ts'
import type { ResultStatus } from '#protocol/work.ts'
import * as work from '#protocol/work.ts'

import { readVectors } from './support/vectors.ts'

const vectors = readVectors<{
  outputCommitments: { outputRoot: Hex; plainHash: Hex; outputCommitment: Hex }[]
  workHashes: { taskHash: Hex; outputCommitment: Hex; startedAt: string; endedAt: string; workHash: Hex }[]
  results: { status: ResultStatus; output: Hex; bytes: Hex }[]
  malformedResults: Hex[]
  fuel: { fuel: string; units: string }[]
}>('work')

describe('work hashes', () => {
  for (const { outputRoot, plainHash, outputCommitment } of vectors.outputCommitments) {
    it('commit to the output as delivered and as plain bytes', () => {
      expect(work.outputCommitment(outputRoot, plainHash)).to.equal(outputCommitment)
      expect(work.outputCommitment(plainHash, outputRoot)).to.not.equal(outputCommitment)
    })
  }

  for (const { workHash, startedAt, endedAt, ...rest } of vectors.workHashes) {
    it(`commit to a task from ${startedAt} to ${endedAt}`, () => {
      expect(work.workHash({ ...rest, startedAt: BigInt(startedAt), endedAt: BigInt(endedAt) })).to.equal(workHash)
    })
  }

  it('take times as numbers too, and none that is negative', () => {
    const [vector] = vectors.workHashes
    if (vector === undefined) throw new Error('no vector')
    const { taskHash, outputCommitment } = vector
    const times = { startedAt: Number(vector.startedAt), endedAt: Number(vector.endedAt) }
    expect(work.workHash({ taskHash, outputCommitment, ...times })).to.equal(vector.workHash)
    expect(() => work.workHash({ taskHash, outputCommitment, startedAt: -1, endedAt: 0 })).to.throw(FieldError)
  })

  it('hash the plain output with keccak256', () => {
    expect(work.plainHash(new Uint8Array([1, 2]))).to.equal(keccak256('0x0102'))
  })
})

describe('results', () => {
  for (const { status, output, bytes } of vectors.results) {
    it(`with status ${status} and output ${output} are ${bytes}`, () => {
      expect(toHex(work.encodeResult(status, toBytes(output)))).to.equal(bytes)
      expect(work.decodeResult(toBytes(bytes))).to.deep.equal({ status, output: toBytes(output) })
    })
  }

  for (const bytes of vectors.malformedResults) {
    it(`are not ${bytes}`, () => {
      expect(() => work.decodeResult(toBytes(bytes)))
        .to.throw(work.ResultError)
        .with.property('code', 'work.malformed-result')
    })
  }

  it('have no output unless the run is done', () => {
    const output = new Uint8Array([1])
    for (const status of [work.ResultStatus.Trap, work.ResultStatus.OutOfUnits]) {
      expect(() => work.encodeResult(status, output)).to.throw(work.ResultError)
    }
  })
})

describe('units', () => {
  for (const { fuel, units } of vectors.fuel) {
    it(`are ${units} for ${fuel} fuel`, () => {
      expect(work.unitsOfFuel(BigInt(fuel))).to.equal(BigInt(units))
    })
  }
})
