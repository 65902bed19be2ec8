/** @module */
import { expect } from 'chai'
import { keccak256 } from 'viem'

import {
  concatBytes,
  FieldError,
  fixedBytes,
  keccak,
  packWords,
  toBytes,
  toHex,
  uint,
  uintBytes,
} from '#protocol/words.ts'

describe('words', () => {
  it('turn hex into bytes and back, in lower case', () => {
    expect(toHex(toBytes('0x00AbFf'))).to.equal('0x00abff')
    expect(toHex(toBytes('0x'))).to.equal('0x')
  })

  it('take no half bytes, no other letters and no missing prefix', () => {
    for (const text of ['0x0', '0xgg', '00', '', '0X00'] as `0x${string}`[]) {
      expect(() => toBytes(text, 'key'))
        .to.throw(FieldError)
        .that.includes({ code: 'protocol.field', field: 'key' })
    }
  })

  it('hash as keccak256', () => {
    expect(toHex(keccak(toBytes('0x010203')))).to.equal(keccak256('0x010203'))
    expect(toHex(keccak(new Uint8Array()))).to.equal(keccak256('0x'))
  })

  it('write integers big-endian', () => {
    expect(toHex(uintBytes(258, 32, 'n'))).to.equal('0x00000102')
    expect(toHex(uintBytes((1n << 64n) - 1n, 64, 'n'))).to.equal('0xffffffffffffffff')
    expect(toHex(uintBytes(0, 8, 'n'))).to.equal('0x00')
  })

  it('write no integer that does not fit', () => {
    for (const value of [-1, 256, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 256n, -1n]) {
      expect(() => uint(value, 8, 'n')).to.throw(FieldError)
    }
  })

  it('align every part at the end of its word', () => {
    const packed = packWords([new Uint8Array([1]), new Uint8Array(32).fill(2)])
    expect(toHex(packed)).to.equal(`0x${'00'.repeat(31)}01${'02'.repeat(32)}`)
  })

  it('join bytes in order and insist on lengths', () => {
    expect(toHex(concatBytes([toBytes('0x01'), toBytes('0x'), toBytes('0x0203')]))).to.equal('0x010203')
    expect(() => fixedBytes('0x0102', 3, 'field')).to.throw(FieldError)
  })
})
