import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import { type Hex, hexToBytes, keccak256, stringToHex } from 'viem'

import { createSqliteStore } from '#oracle/adapters/sqlite-store.ts'
import type { Fees } from '#oracle/domain/fees.ts'
import { tallyOf } from '#oracle/domain/segment.ts'
import type { Chain, GasKey, Inclusion, Store } from '#oracle/ports.ts'
import { createAttempts } from '#oracle/services/attempts.ts'
import { createSubmitter, type Submitter } from '#oracle/services/submitter.ts'
import { tallyHash } from '#protocol/eip712.ts'
import { Outcome } from '#protocol/types.ts'
import { createLog } from '#runtime/log.ts'
import { accountOf } from '../support/chain.ts'
import { place } from '../support/facts.ts'
import { acknowledgementOf, receiptOf, segmentOf } from '../support/work.ts'

const settlement = '0x00000000000000000000000000000000000000aa'
const hashOf = (name: string) => keccak256(stringToHex(name))
const BLOB = hashOf('blob')
const policy = {
  finalDepth: 3,
  bumpAfterMs: 10_000,
  rebroadcastMs: 1_000,
  maxFeePerGas: 1_000n,
  maxFeePerBlobGas: 1_000n,
  maxGas: 1_000_000,
  maxOpen: 4,
}

describe('sending with one gas key', () => {
  let folder: string
  let store: Store
  let submitter: Submitter
  let now: number
  let head: bigint
  /** Bytes broadcast, in order, as their hashes. */
  let sent: Hex[]
  let included: Map<Hex, Inclusion>
  let used: number
  let answer: Awaited<ReturnType<Chain['broadcast']>>
  let simulated: Awaited<ReturnType<Chain['simulate']>>
  let fees: Fees
  let failed: (readonly Hex[])[]
  let archived: Set<Hex>
  /** Hashes of the blobs that went with each broadcast. */
  let carried: Hex[][]
  let simulatesBlobs: boolean

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-submit-'))
    store = createSqliteStore({ file: join(folder, 'oracle.sqlite'), deployment: 'one' })
    ;[now, head, sent, included, used, answer] = [1_000_000, 100n, [], new Map(), 7, 'sent']
    simulated = { success: true, answer: '0x00', gas: 100_000n }
    fees = { maxFeePerGas: 100n, maxPriorityFeePerGas: 2n }
    ;[failed, archived, carried, simulatesBlobs] = [[], new Set([BLOB]), [], true]
    submitter = create()
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function create(): Submitter {
    const log = createLog({ name: 'test', level: 'silent' })
    const key: GasKey = {
      address: accountOf('gas 0').address,
      sign: async ({ nonce, data, maxFeePerGas }) => {
        const raw = hashOf(`${nonce} ${data} ${maxFeePerGas}`)
        return { raw, hash: raw }
      },
    }
    const common = { log, key, policy, faults: { hit: () => {} }, onEvent: () => {} }
    const attempts = createAttempts({
      ...common,
      transactions: store.transactions,
      chain: {
        broadcast: async (raw, blobs) => {
          sent.push(raw)
          carried.push(blobs.map(({ versionedHash }) => versionedHash))
          return answer
        },
        fees: async (carriesBlobs) => ({ ...fees, ...(carriesBlobs ? { maxFeePerBlobGas: 10n } : {}) }),
      },
      archive: { load: async (hashes) => kept(hashes) },
      clock: { now: () => now },
    })
    return createSubmitter({
      ...{ ...common, store, attempts, settlement },
      chain: {
        inclusion: async (hash) => included.get(hash) ?? null,
        block: async (number) => ({ hash: hashOf(`block ${number}`), timestamp: number }),
        simulate: async () => simulated,
        simulatesBlobs: async () => simulatesBlobs,
        outcomes: () => (simulated.success ? [...hexToBytes(simulated.answer)] : []),
        transactionCount: async () => used,
      },
      head: () => head,
      onMined: async () => {},
      onFailed: (groups) => void failed.push(groups),
    })
  }

  /** The blobs of these hashes from the archive; null where one is not there. */
  function kept(hashes: readonly Hex[]) {
    if (hashes.some((hash) => !archived.has(hash))) return null
    return hashes.map((versionedHash) => ({ versionedHash, blob: new Uint8Array(), commitment: new Uint8Array() }))
  }

  const insert = (data: Hex, more: { groups?: readonly Hex[]; blobs?: readonly Hex[] } = {}) =>
    store.batches.insert({ lane: 1, root: hashOf(data), data, groups: [], blobs: [], mostGas: 500_000, ...more })
  const batch = (data: Hex = '0xda') => insert(data)
  const blobBatch = (data: Hex = '0xb1') => insert(data, { blobs: [BLOB] })
  const include = (hash: Hex | undefined, block: bigint, success = true) => {
    if (hash !== undefined) included.set(hash, { success, blockNumber: block, blockHash: hashOf(`block ${block}`) })
    used = 8
  }
  const attempts = () => store.transactions.open().flatMap((transaction) => transaction.attempts)
  const states = () => store.transactions.counts()

  it('takes the chain’s count for its first nonce and counts on by itself', async () => {
    batch('0x01')
    batch('0x02')
    await submitter.step()
    expect(store.transactions.open().map(({ nonce }) => nonce)).to.deep.equal([7, 8])
  })

  it('calls a transaction final only when it is deep enough', async () => {
    const id = batch()
    await submitter.step()
    include(sent[0], 100n)
    await submitter.step()
    expect([states(), store.batches.get(id)?.state]).to.deep.equal([{ mined: 1 }, 'settled'])
    head = 102n
    await submitter.step()
    expect(states()).to.deep.equal({ mined: 1 })
    head = 103n
    await submitter.step()
    expect(states()).to.deep.equal({ final: 1 })
  })

  it('broadcasts the same bytes until they are included', async () => {
    batch()
    await submitter.step()
    for (const _ of [1, 2]) {
      now += 1_000
      await submitter.step()
    }
    expect(new Set(sent).size).to.equal(1)
    expect(sent).to.have.length(3)
  })

  it('broadcasts stored bytes again after a restart', async () => {
    batch()
    await submitter.step()
    submitter = create()
    await submitter.step()
    expect(sent[1]).to.equal(sent[0])
    expect(attempts()).to.have.length(1)
  })

  it('offers more at the same nonce when it waits too long, and watches every attempt', async () => {
    batch()
    await submitter.step()
    now += policy.bumpAfterMs
    await submitter.step()
    const [first, second] = attempts()
    expect(store.transactions.open().map(({ nonce, data }) => [nonce, data])).to.deep.equal([[7, '0xda']])
    expect((second?.maxFeePerGas ?? 0n) * 1000n >= (first?.maxFeePerGas ?? 0n) * 1125n).to.equal(true)
    include(first?.hash, 100n)
    await submitter.step()
    expect(states()).to.deep.equal({ mined: 1 })
  })

  it('offers more at once when the node finds it underpriced', async () => {
    batch()
    await submitter.step()
    answer = 'underpriced'
    fees = { maxFeePerGas: 400n, maxPriorityFeePerGas: 2n }
    now += 1_000
    await submitter.step()
    expect(attempts().map(({ maxFeePerGas }) => maxFeePerGas)).to.deep.equal([100n, 400n])
  })

  it('waits at the fee ceiling and keeps the last attempt alive', async () => {
    fees = { maxFeePerGas: 950n, maxPriorityFeePerGas: 2n }
    batch()
    await submitter.step()
    now += policy.bumpAfterMs
    await submitter.step()
    expect(attempts()).to.have.length(1)
    expect(sent).to.have.length(2)
  })

  it('goes back to sending when a re-organisation takes the transaction', async () => {
    const id = batch()
    await submitter.step()
    include(sent[0], 100n)
    await submitter.step()
    included.clear()
    used = 7
    now += 1_000
    await submitter.step()
    expect([states(), store.batches.get(id)?.state]).to.deep.equal([{ sent: 1 }, 'sent'])
    expect(sent).to.deep.equal([sent[0], sent[0]])
  })

  it('does not believe a receipt of a block that is not on the chain', async () => {
    batch()
    await submitter.step()
    const [hash] = sent
    if (hash !== undefined) included.set(hash, { success: true, blockNumber: 100n, blockHash: hashOf('uncle') })
    await submitter.step()
    expect(states()).to.deep.equal({ sent: 1 })
  })

  it('gives the groups of a reverted batch back', async () => {
    const id = batch()
    await submitter.step()
    include(sent[0], 100n, false)
    await submitter.step()
    expect([states(), store.batches.get(id)?.state]).to.deep.equal([{ reverted: 1 }, 'failed'])
    head = 103n
    await submitter.step()
    expect(states()).to.deep.equal({ final: 1 })
  })

  it('spends nothing on a batch that would revert, or that somebody else settled', async () => {
    const [reverting, stale] = [batch('0x01'), batch('0x02')]
    simulated = { success: false, reason: 'full' }
    await submitter.step()
    expect(store.batches.get(reverting)?.state).to.equal('failed')
    expect(store.batches.get(stale)?.state).to.equal('failed')
    const other = batch('0x03')
    simulated = { success: true, answer: '0x04', gas: 1n }
    await submitter.step()
    expect(store.batches.get(other)?.state).to.equal('failed')
    expect(sent).to.deep.equal([])
  })

  it('tells whose groups could not settle, so that they wait before they are tried again', async () => {
    const groups = [hashOf('tally')]
    simulated = { success: false, reason: 'full' }
    insert('0x01', { groups })
    await submitter.step()
    simulated = { success: true, answer: '0x00', gas: 1n }
    insert('0x02', { groups })
    await submitter.step()
    include(sent[0], 100n, false)
    await submitter.step()
    expect(failed).to.deep.equal([groups, groups])
  })

  it('forgets an acknowledgement the chain does not believe, and settles what it can', async () => {
    const segments = [0, 1].map((stream) => segmentOf(place, stream, [receiptOf(place, stream)]))
    for (const segment of segments) {
      const tally = tallyOf(segment)
      const stored = { segment, tallyHash: tallyHash(tally), segmentHash: tally.segment, status: 'accepted' } as const
      const rest = { check: null, verification: 'done', claims: 11, transaction: null, receivedAtMs: 1 } as const
      store.segments.insert({ ...stored, ...rest }, [0])
      store.messages.putAcknowledgement(acknowledgementOf(place, segment))
    }
    const groups = segments.map((segment) => tallyHash(tallyOf(segment)))
    insert('0x01', { groups })
    simulated = { success: true, answer: `0x00${Outcome.BadAcknowledgement.toString(16).padStart(2, '0')}`, gas: 1n }
    await submitter.step()
    expect(sent).to.have.length(1)
    const known = segments.map((segment) => store.messages.acknowledgement(tallyOf(segment)) !== null)
    expect(known).to.deep.equal([true, false])
  })

  describe('with blobs', () => {
    const waiting = () => store.transactions.open().map(({ nonce, blobs, gas }) => [nonce, blobs.length, gas])

    it('hands the blobs of a batch over with every broadcast, after a restart too', async () => {
      blobBatch()
      await submitter.step()
      submitter = create()
      now += 1_000
      await submitter.step()
      expect(sent[1]).to.equal(sent[0])
      expect(carried).to.deep.equal([[BLOB], [BLOB]])
    })

    it('sends no batch whose blobs are not in the archive', async () => {
      archived.clear()
      const id = blobBatch()
      await submitter.step()
      expect(store.batches.get(id)?.state).to.equal('failed')
      expect(sent).to.deep.equal([])
    })

    it('waits with signed bytes whose blobs got lost, until they are found', async () => {
      blobBatch()
      await submitter.step()
      submitter = create()
      archived.clear()
      now += 1_000
      await submitter.step()
      expect(sent).to.have.length(1)
      archived.add(BLOB)
      now += 1_000
      await submitter.step()
      expect(sent).to.have.length(2)
    })

    it('doubles all three fees when it waits too long', async () => {
      blobBatch()
      await submitter.step()
      now += policy.bumpAfterMs
      await submitter.step()
      const offers = attempts().map(({ maxFeePerGas, maxPriorityFeePerGas, maxFeePerBlobGas }) => {
        return [maxFeePerGas, maxPriorityFeePerGas, maxFeePerBlobGas]
      })
      expect(offers).to.deep.equal([
        [100n, 2n, 10n],
        [200n, 4n, 20n],
      ])
    })

    it('sends plain transactions only when no blobs wait, and the other way round', async () => {
      blobBatch('0xb1')
      blobBatch('0xb2')
      batch('0xda')
      blobBatch('0xb3')
      await submitter.step()
      expect(waiting().map(([nonce, blobs]) => [nonce, blobs])).to.deep.equal([
        [7, 1],
        [8, 1],
      ])
      for (const hash of sent) include(hash, 100n)
      used = 9
      await submitter.step()
      expect(waiting().at(-1)?.slice(0, 2)).to.deep.equal([9, 0])
      include(sent.at(-1), 101n)
      used = 10
      await submitter.step()
      expect(waiting().at(-1)?.slice(0, 2)).to.deep.equal([10, 1])
    })

    it('lets chores have their turn between batches of blobs', async () => {
      blobBatch('0xb1')
      await submitter.step()
      submitter.enqueue({ to: settlement, data: '0x71cc', label: 'tick' })
      blobBatch('0xb2')
      await submitter.step()
      expect(sent).to.have.length(1)
      include(sent[0], 100n)
      await submitter.step()
      expect(waiting().at(-1)?.slice(0, 2)).to.deep.equal([8, 0])
    })

    it('allows the gas it was planned with where the node cannot try it out', async () => {
      simulatesBlobs = false
      simulated = { success: false, reason: 'no blobs' }
      blobBatch()
      await submitter.step()
      expect(waiting()).to.deep.equal([[7, 1, 620_000n]])
    })
  })

  it('halts when its nonce was used by a transaction it never signed', async () => {
    batch()
    await submitter.step()
    used = 8
    const seen: unknown[] = []
    for (let look = 0; look < 6; look++) {
      await submitter
        .step()
        .catch((error: unknown) => seen.push(error instanceof Error && 'code' in error && error.code))
    }
    expect(new Set(seen)).to.deep.equal(new Set(['submit.foreign-nonce']))
    expect(submitter.halted()).to.contain('nonce 7')
    expect(sent).to.have.length(1)
  })

  it('does chores once, and only if they would succeed', async () => {
    const chore = { to: settlement, data: '0x71cc' as Hex, label: 'tick' } as const
    for (const _ of [1, 2]) {
      submitter.enqueue(chore)
      submitter.enqueue(chore)
      await submitter.step()
    }
    expect(store.transactions.open().map(({ purpose }) => purpose)).to.deep.equal([{ kind: 'upkeep', label: 'tick' }])
    simulated = { success: false, reason: 'closed already' }
    submitter.enqueue({ ...chore, label: 'close 1' })
    await submitter.step()
    expect(sent).to.have.length(1)
  })
})
