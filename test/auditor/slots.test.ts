/** @module */
import { readFileSync } from 'node:fs'

import { expect } from 'chai'
import { concatHex, type Hex, keccak256, numberToHex } from 'viem'

import {
  ANNOUNCED_SLOT,
  BONDS_SLOT,
  HEAD_SLOT,
  LIVE_PAGES_SLOT,
  NET_HEAD_SLOT,
  OPEN_NETS_SLOT,
  readAnnounced,
  readBondWords,
  readLiveRows,
  readNetHead,
  readOpenNets,
  readStoredClock,
} from '#auditor/slots.ts'
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
    const nets = ['_netHead', '_openNets', '_announced', '_bonds'].map(slotOf)
    expect(nets).to.deep.equal([NET_HEAD_SLOT, OPEN_NETS_SLOT, ANNOUNCED_SLOT, BONDS_SLOT].map(String))
    expect(layout.structs['struct Netting.NetHead']).to.deep.equal([
      'slot 0 byte 0: t_uint32 buyers',
      'slot 0 byte 4: t_uint32 queueFrom',
      'slot 0 byte 8: t_uint32 queueTo',
    ])
    expect(layout.structs['struct Ledger.Head']?.slice(0, 2)).to.deep.equal([
      'slot 0 byte 0: t_uint32 clock',
      'slot 0 byte 4: t_uint32 touched',
    ])
  })

  const word = (value: bigint | number) => numberToHex(value, { size: 32 })
  const slotIn = (key: Hex, slot: Hex): Hex => keccak256(concatHex([key, slot]))
  const sourceOf = (words: ReadonlyMap<Hex, Hex>): Source => ({
    ...silentSource,
    storage: async (_account, slot) => words.get(slot) ?? '0x00',
  })

  it('are read as they are packed', async () => {
    const source = sourceOf(
      new Map([
        [word(HEAD_SLOT), word((7n << 64n) | (2_000n << 32n) | 1_000n)],
        [slotIn(word(9), word(LIVE_PAGES_SLOT)), word(0b101n)],
      ]),
    )
    expect(await readStoredClock(source, contracts.settlement, 1)).to.deep.equal({ stored: 1_000, touchedAt: 2_000 })
    expect(await readLiveRows(source, contracts.settlement, 9, 1)).to.equal(0b101n)
  })

  it('are read as they are packed for net mode, too', async () => {
    const { settlement } = contracts
    const ofEpoch = slotIn(word(6), word(BONDS_SLOT))
    const source = sourceOf(
      new Map([
        [word(NET_HEAD_SLOT), word((30n << 64n) | (20n << 32n) | 10n)],
        [word(OPEN_NETS_SLOT), word((4n << 200n) | (3n << 144n) | (2n << 88n) | (1n << 32n) | 20_000n)],
        [slotIn(word(5), word(ANNOUNCED_SLOT)), word((0xabn << 32n) | 1_000n)],
        [slotIn(word(0), ofEpoch), word(77n)],
        [slotIn(word(1), ofEpoch), word(88n)],
      ]),
    )
    expect(await readNetHead(source, settlement, 1)).to.deep.equal({ buyers: 10, queueFrom: 20, queueTo: 30 })
    expect(await readOpenNets(source, settlement, 1)).to.deep.equal({ day: 20_000, buckets: [1n, 2n, 3n, 4n] })
    const announced = { hash: numberToHex(0xab, { size: 28 }), at: 1_000 }
    expect(await readAnnounced(source, settlement, 5, 1)).to.deep.equal(announced)
    expect(await readBondWords(source, { settlement, epoch: 6, count: 2 }, 1)).to.deep.equal([77n, 88n])
  })
})
