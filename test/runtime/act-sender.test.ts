import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import { type Hex, keccak256, type PublicClient, stringToHex } from 'viem'
import { addressOf } from '#protocol/signature.ts'
import { createSender } from '#runtime/act-sender.ts'
import { type ActStore, createActStore } from '#runtime/act-store.ts'
import { createLog } from '#runtime/log.ts'

const privateKey = keccak256(stringToHex('watcher'))
const act = { name: 'prove 1', to: addressOf(privateKey), data: '0x1234' as Hex }
const log = createLog({ name: 'watcher', level: 'silent' })

/** A chain that takes what it is told to take. */
function createChain() {
  const sent: Hex[] = []
  const mined = new Map<Hex, { status: 'success' | 'reverted'; blockNumber: bigint }>()
  const chain = { sent, mined, head: 10n, refuses: false, isDown: false, nonce: 0 }
  const client = {
    estimateGas: async () => {
      if (chain.refuses) throw new Error('reverted')
      return 100_000n
    },
    getTransactionCount: async () => chain.nonce,
    estimateFeesPerGas: async () => ({ maxFeePerGas: 10n, maxPriorityFeePerGas: 1n }),
    sendRawTransaction: async ({ serializedTransaction }: { serializedTransaction: Hex }) => {
      if (chain.isDown) throw new Error('no answer')
      sent.push(serializedTransaction)
    },
    getTransactionReceipt: async ({ hash }: { hash: Hex }) => {
      const receipt = mined.get(hash)
      if (receipt === undefined) throw new Error('not found')
      return { ...receipt, gasUsed: 90_000n }
    },
    getBlockNumber: async () => chain.head,
  }
  return Object.assign(chain, { client: client as unknown as PublicClient })
}

describe('sending what a node decided', () => {
  let folder: string
  let store: ActStore
  let now: number

  const open = (identity = 'one') => createActStore(join(folder, 'watcher.sqlite'), identity)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-watch-'))
    store = open()
    now = 1_000
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function senderOn({ client }: { client: PublicClient }, dryRun = false) {
    const key = { address: addressOf(privateKey), privateKey }
    const bounds = { chainId: 31_337, maxGas: 1_000_000n, confirmations: 2, dryRun }
    return createSender({ client, store, key, ...bounds, log, nowMs: () => now })
  }

  it('happens once, whatever is asked again', async () => {
    const chain = createChain()
    const sender = senderOn(chain)
    expect([await sender.act(act), await sender.act(act)]).to.deep.equal(['sent', 'sent'])
    expect(chain.sent).to.have.length(1)
  })

  it('is done with enough blocks on top, and not before', async () => {
    const chain = createChain()
    const sender = senderOn(chain)
    await sender.act(act)
    const hash = keccak256(chain.sent[0] ?? '0x')
    chain.mined.set(hash, { status: 'success', blockNumber: 10n })
    await sender.step()
    expect(await sender.act(act)).to.equal('sent')
    chain.head = 11n
    await sender.step()
    expect(await sender.act(act)).to.equal('done')
  })

  it('sends the same bytes again after a restart, and after a re-organisation took them out', async () => {
    const chain = createChain()
    chain.isDown = true
    await senderOn(chain).act(act)
    store.close()
    store = open()
    chain.isDown = false
    const again = senderOn(chain)
    await again.step()
    await again.step()
    expect(chain.sent).to.have.length(2)
    expect(chain.sent[0]).to.equal(chain.sent[1])
    expect(store.act(act.name)?.raw).to.equal(chain.sent[0])
  })

  it('goes behind what is still open', async () => {
    const chain = createChain()
    const sender = senderOn(chain)
    await sender.act(act)
    await sender.act({ ...act, name: 'prove 2' })
    expect(store.open().map(({ name, nonce }) => [name, nonce])).to.deep.equal([
      ['prove 1', 0],
      ['prove 2', 1],
    ])
  })

  it('fills the gap that a re-organisation left before what is under way', async () => {
    const chain = createChain()
    const sender = senderOn(chain)
    await sender.act(act)
    chain.mined.set(keccak256(chain.sent[0] ?? '0x'), { status: 'success', blockNumber: 9n })
    await sender.step()
    chain.nonce = 1
    await sender.act({ ...act, name: 'prove 2' })
    chain.nonce = 0
    await sender.insist(act)
    expect(store.open().map(({ nonce }) => nonce)).to.deep.equal([0, 1])
  })

  it('does not happen while the chain would refuse it, and is asked again later', async () => {
    const chain = createChain()
    const sender = senderOn(chain)
    chain.refuses = true
    expect([await sender.isPossible(act), await sender.act(act)]).to.deep.equal([false, 'refused'])
    chain.refuses = false
    expect(await sender.act(act)).to.equal('refused')
    now += 30_001
    expect(await sender.act(act)).to.equal('sent')
  })

  it('is tried anew after it reverted', async () => {
    const chain = createChain()
    const sender = senderOn(chain)
    await sender.act(act)
    chain.mined.set(keccak256(chain.sent[0] ?? '0x'), { status: 'reverted', blockNumber: 10n })
    chain.nonce = 1
    await sender.step()
    now += 30_001
    expect(await sender.act(act)).to.equal('sent')
    expect(store.act(act.name)?.nonce).to.equal(1)
  })

  it('is sent anew where another transaction of the key took its nonce', async () => {
    const chain = createChain()
    const sender = senderOn(chain)
    await sender.act(act)
    chain.nonce = 1
    await sender.step()
    now += 1
    expect(await sender.act(act)).to.equal('sent')
    expect(store.act(act.name)?.nonce).to.equal(1)
    expect(chain.sent).to.have.length(2)
  })

  it('happens again where the chain shows it undone, and not while it is on its way', async () => {
    const chain = createChain()
    const sender = senderOn(chain)
    expect([await sender.insist(act), await sender.insist(act)]).to.deep.equal(['sent', 'sent'])
    chain.mined.set(keccak256(chain.sent[0] ?? '0x'), { status: 'success', blockNumber: 9n })
    await sender.step()
    expect([await sender.act(act), await sender.insist(act), await sender.insist(act)]).to.deep.equal([
      ...['done', 'sent', 'sent'],
    ])
    expect(chain.sent).to.have.length(2)
  })

  it('is only said on a dry run', async () => {
    const chain = createChain()
    expect(await senderOn(chain, true).act(act)).to.equal('refused')
    expect([chain.sent.length, store.open().length]).to.deep.equal([0, 0])
  })

  it('keeps a commitment’s salt for good', () => {
    const first = store.salt('0x01', () => '0xaa')
    store.close()
    store = open()
    expect([first, store.salt('0x01', () => '0xbb')]).to.deep.equal(['0xaa', '0xaa'])
  })

  it('belongs to one deployment and key', () => {
    store.close()
    expect(() => open('two')).to.throw('is of one, not of two')
    store = open()
  })
})
