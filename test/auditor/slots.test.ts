/** @module */
import { readFileSync } from 'node:fs'

import { expect } from 'chai'
import { concatHex, keccak256, numberToHex } from 'viem'

import { HEAD_SLOT, LIVE_PAGES_SLOT, readLiveRows, readStoredClock } from '#auditor/slots.ts'
import type { Source } from '#auditor/source.ts'

import { contracts, silentSource } from './support/ledger.ts'

const layout: { storage: string[]; structs: Record<string, string[]> } = JSON.parse(
  readFileSync('test/snapshots/Settlement.json', 'utf8'),
)

describe('the words that no view tells', () => {
  it('stand where the compiler puts them', () => {
    const slotOf = (name: string) => layout.storage.find((line) => line.endsWith(` ${name}`))?.split(' ')[1]
    expect(slotOf('_head')).to.equal(String(HEAD_SLOT))
    expect(slotOf('_livePages')).to.equal(String(LIVE_PAGES_SLOT))
    expect(layout.structs['struct Ledger.Head']?.slice(0, 2)).to.deep.equal([
      'slot 0 byte 0: t_uint32 clock',
      'slot 0 byte 4: t_uint32 touched',
    ])
  })

  it('are read as they are packed', async () => {
    const words = new Map([
      [numberToHex(HEAD_SLOT, { size: 32 }), numberToHex((7n << 64n) | (2_000n << 32n) | 1_000n, { size: 32 })],
      [
        keccak256(concatHex([numberToHex(9, { size: 32 }), numberToHex(LIVE_PAGES_SLOT, { size: 32 })])),
        numberToHex(0b101n, { size: 32 }),
      ],
    ])
    const source: Source = { ...silentSource, storage: async (_account, slot) => words.get(slot) ?? '0x00' }
    expect(await readStoredClock(source, contracts.settlement, 1)).to.deep.equal({ stored: 1_000, touchedAt: 2_000 })
    expect(await readLiveRows(source, contracts.settlement, 9, 1)).to.equal(0b101n)
  })
})
