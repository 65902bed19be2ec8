import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import type { Hex } from 'viem'

import { createSqliteStore } from '#oracle/adapters/sqlite-store.ts'
import { type Segment, tallyOf } from '#oracle/domain/segment.ts'
import type { ProgramFacts, Store } from '#oracle/ports.ts'
import { type Checker, createChecker } from '#oracle/services/checker.ts'
import { tallyHash } from '#protocol/eip712.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { Kind } from '#protocol/types.ts'
import { loadElf, programHash } from '#protocol/vm/elf.ts'
import { createDataStore, type DataStore } from '#runtime/data-store.ts'
import { createExecutor, type Executor } from '#runtime/executor.ts'
import { createLog } from '#runtime/log.ts'
import { createTaskDoer } from '#runtime/tasks.ts'
import { BACKWARDS } from '../../support/provable-programs.ts'
import { place } from '../support/facts.ts'
import { echoProgram, inputOf, provableReceiptOf, receiptOf, segmentOf } from '../support/work.ts'

const repeatable = (root: Hex): ProgramFacts => ({ root, kind: Kind.Repeatable })
const otherDeal = { ...place, dealId: 8, dealKey: `0x${'d8'.repeat(32)}` as const }

describe('re-execution', function () {
  this.timeout(60_000)
  let folder: string
  let store: Store
  let data: DataStore
  let sandbox: Executor
  let checker: Checker
  let now: number
  let runs: number
  let programs: Map<Hex, ProgramFacts>

  before(() => {
    sandbox = createExecutor()
  })
  after(() => sandbox.close())

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tally-checker-'))
    store = createSqliteStore({ file: join(folder, 'oracle.sqlite'), deployment: 'one' })
    data = await createDataStore({ directory: join(folder, 'data') })
    ;[now, runs, programs] = [1_000_000, 0, new Map()]
    const doTask = createTaskDoer(sandbox)
    checker = createChecker({
      ...{ store, data },
      chain: { program: async (_id, key) => programs.get(key) ?? null },
      doTask: (task) => {
        runs += 1
        return doTask(task)
      },
      clock: { now: () => now },
      parallel: 2,
      log: createLog({ name: 'test', level: 'silent' }),
      signal: new AbortController().signal,
      onRefusal: () => {},
      onVerified: () => {},
    })
    const echo = await echoProgram()
    programs.set(place.dealKey, repeatable(await data.put(echo)))
    for (const index of [0, 2, 4]) await data.put(inputOf(index))
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function accept(segment: Segment): Hex {
    const tally = tallyOf(segment)
    const hash = tallyHash(tally)
    const stored = { tallyHash: hash, segment, segmentHash: tally.segment, claims: 0, transaction: null, check: null }
    store.segments.insert({ ...stored, status: 'accepted', verification: 'pending', receivedAtMs: now }, [])
    return hash
  }
  const stateOf = (hash: Hex) => {
    const stored = store.segments.get(hash)
    return [stored?.status, stored?.verification, stored?.check]
  }

  it('vouches for what comes out alike', async () => {
    const hash = accept(segmentOf(place, 0, [receiptOf(place, 0), receiptOf(place, 2)]))
    await checker.step()
    expect(stateOf(hash)).to.deep.equal(['accepted', 'done', null])
    expect(store.segments.get(hash)?.claims).to.equal(11)
  })

  it('vouches for provable work when result, last state and units come out alike, and refuses anything else', async () => {
    const name = programHash(loadElf(BACKWARDS))
    await data.put(BACKWARDS, name)
    programs.set(otherDeal.dealKey, { root: name, kind: Kind.Provable })
    const right = await provableReceiptOf(otherDeal, 0)
    const hash = accept(segmentOf(otherDeal, 0, [right]))
    const { plainHash } = await provableReceiptOf(otherDeal, 2)
    const stateOfAnother = receiptOf(otherDeal, 0, { made: { outputRoot: right.outputRoot, plainHash } })
    const wrong = accept(segmentOf(otherDeal, 1, [stateOfAnother]))
    const dear = accept(segmentOf(otherDeal, 2, [{ ...right, units: 2n }]))
    await checker.step()
    expect(stateOf(hash)).to.deep.equal(['accepted', 'done', null])
    expect(store.segments.get(hash)?.claims).to.equal(11)
    expect(stateOf(wrong)).to.deep.equal(['refused', 'pending', 'reexecution.output'])
    expect(stateOf(dear)).to.deep.equal(['refused', 'pending', 'reexecution.units'])
  })

  it('waits for a provable program as long as only bytes with its name for their data root are here', async () => {
    programs.set(otherDeal.dealKey, { root: await data.put(BACKWARDS), kind: Kind.Provable })
    const hash = accept(segmentOf(otherDeal, 0, [await provableReceiptOf(otherDeal, 0)]))
    await checker.step()
    expect(stateOf(hash)).to.deep.equal(['accepted', 'pending', 'program.available'])
  })

  it('runs only what is new in a longer tally', async () => {
    accept(segmentOf(place, 0, [receiptOf(place, 0), receiptOf(place, 2)]))
    await checker.step()
    accept(segmentOf(place, 0, [receiptOf(place, 0), receiptOf(place, 2), receiptOf(place, 4)]))
    await checker.step()
    expect(runs).to.equal(3)
  })

  it('refuses for good what a program that can run nowhere is said to have made', async () => {
    programs.set(otherDeal.dealKey, repeatable(await data.put(new TextEncoder().encode('no module'))))
    const hash = accept(segmentOf(otherDeal, 0, [receiptOf(otherDeal, 0)]))
    await checker.step()
    expect(stateOf(hash)).to.deep.equal(['refused', 'pending', 'reexecution.output'])
  })

  it('lets no number of segments without a program keep others waiting', async () => {
    const stuck = Array.from({ length: 40 }, (_, stream) => ({
      ...segmentOf(otherDeal, stream, [receiptOf(otherDeal, stream)]),
    }))
    const [first = '0x'] = stuck.map(accept)
    now += 1
    const hash = accept(segmentOf(place, 0, [receiptOf(place, 0)]))
    while (await checker.step());
    expect(stateOf(first)).to.deep.equal(['accepted', 'pending', 'program.available'])
    expect(stateOf(hash)).to.deep.equal(['accepted', 'done', null])
  })

  it('waits for a program and goes on when it comes', async () => {
    // the same program with an empty custom section: other bytes, another root
    const program = new Uint8Array([...(await echoProgram()), 0, 1, 0])
    programs.set(otherDeal.dealKey, repeatable(dataRoot(program)))
    const hash = accept(segmentOf(otherDeal, 0, [receiptOf(otherDeal, 0)]))
    await checker.step()
    expect(stateOf(hash)[2]).to.equal('program.available')
    await data.put(program)
    expect(await checker.step(), 'not at once').to.equal(false)
    now += 2_000
    await checker.step()
    expect(stateOf(hash)).to.deep.equal(['accepted', 'done', null])
  })
})
