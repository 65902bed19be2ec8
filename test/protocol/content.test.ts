/** @module */
import { expect } from 'chai'
import { type Hex, keccak256 } from 'viem'

import { isNamedBy, isProgram } from '#protocol/content.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { Kind } from '#protocol/types.ts'
import { loadElf, programHash } from '#protocol/vm/elf.ts'

import { BACKWARDS, ENDLESS } from '../support/provable-programs.ts'

const other: Hex = keccak256('0x01')
const text = new TextEncoder().encode('any bytes')
const hash = programHash(loadElf(BACKWARDS))

describe('what a root names', () => {
  it('is content, by its data root', () => {
    for (const bytes of [text, new Uint8Array(), BACKWARDS]) expect(isNamedBy(dataRoot(bytes), bytes)).to.equal(true)
    expect(isNamedBy(other, text)).to.equal(false)
  })

  it('is a provable program, by its program hash, however its file is padded', () => {
    const padded = new Uint8Array(BACKWARDS.length + 10)
    padded.set(BACKWARDS)
    for (const bytes of [BACKWARDS, padded]) expect(isNamedBy(hash, bytes)).to.equal(true)
    expect(isNamedBy(hash, ENDLESS)).to.equal(false)
  })

  it('is never a program that the machine cannot load', () => {
    const cut = BACKWARDS.slice(0, 60)
    expect(isNamedBy(hash, cut)).to.equal(false)
    expect(isNamedBy(dataRoot(cut), cut)).to.equal(true)
  })

  it('is the program of an offer in the way of the offer’s kind only', () => {
    expect(isProgram(Kind.Provable, hash, BACKWARDS)).to.equal(true)
    expect(isProgram(Kind.Repeatable, hash, BACKWARDS)).to.equal(false)
    expect(isProgram(Kind.Repeatable, dataRoot(text), text)).to.equal(true)
    expect(isProgram(Kind.Provable, dataRoot(BACKWARDS), BACKWARDS)).to.equal(false)
  })
})
