import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect } from 'chai'
import { type Hex, zeroAddress } from 'viem'

import { chunkOf } from '#protocol/courts.ts'
import { taskHash } from '#protocol/eip712.ts'
import { createLog } from '#runtime/log.ts'
import { Ask, type DemandFacts, type Demands } from '#worker/adapters/demands.ts'
import { createAnswerer } from '#worker/services/answerer.ts'
import { createBoard } from '#worker/services/board.ts'
import { createWorkerStore, type WorkerStore } from '#worker/store.ts'

import { dealKey, identity, orderOf, outcomeOf } from './support/fixtures.ts'

const output = new Uint8Array(5_000).fill(7)
const demand: Hex = `0x${'d1'.repeat(32)}`
const log = createLog({ name: 'worker', level: 'silent' })

describe('answering demands', () => {
  let folder: string
  let store: WorkerStore

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tally-answers-'))
    store = createWorkerStore({ file: join(folder, 'worker.sqlite'), identity })
    store.addOrders([{ order: orderOf(0), stream: 0, dealId: 7 }])
    store.appendReceipt({ dealKey, stream: 0 }, 0n, outcomeOf(0))
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const factsOf = (changes: Partial<DemandFacts> = {}): DemandFacts => ({
    ...{ ask: Ask.Order, side: 0, id: 7, key: dealKey, stream: 0, index: 0, units: 1n, keep: 0, last: 1 },
    ...{
      forced: false,
      settledAt: 9,
      subject: outcomeOf(0).workHash,
      chunk: 0,
      by: zeroAddress,
      prepaid: 1n,
      until: 99,
    },
    ...changes,
  })

  function answering(facts: DemandFacts, options: { isOpen?: boolean; failures?: number } = {}) {
    const answers: unknown[] = []
    let failures = options.failures ?? 0
    const answered = async (...answer: readonly unknown[]): Promise<Hex> => {
      failures -= 1
      if (failures >= 0) throw new Error('the chain does not answer')
      answers.push(answer)
      return demand
    }
    let isRead = false
    const demands: Demands = {
      read: async () => {
        const fresh = isRead ? [] : [{ id: demand, facts }]
        isRead = true
        return fresh
      },
      isOpen: async () => options.isOpen ?? true,
      answerOrder: (_facts, work, order) => answered(work.taskHash, order.signature),
      answerOutput: (_facts, work, chunk) => answered(work.outputRoot, chunk),
    }
    const board = createBoard(() => 0)
    const answerer = createAnswerer({ store, library: { fetch: async () => output }, demands, board, log })
    return { answerer, answers, board }
  }

  it('shows the order with its signature, once', async () => {
    const { answerer, answers } = answering(factsOf())
    await answerer.tick()
    await answerer.tick()
    expect(answers).to.deep.equal([[taskHash(orderOf(0)), orderOf(0).signature]])
  })

  it('shows the chunk of the output that is asked for', async () => {
    const { answerer, answers } = answering(factsOf({ ask: Ask.Output, chunk: 1 }))
    await answerer.tick()
    expect(answers).to.deep.equal([[outcomeOf(0).outputRoot, chunkOf(output, 1)]])
  })

  it('tries again while the demand is open', async () => {
    const { answerer, answers, board } = answering(factsOf(), { failures: 1 })
    await answerer.tick()
    expect(board.refusals().map(({ check }) => check)).to.deep.equal(['demand.unanswered'])
    await answerer.tick()
    expect(answers).to.have.length(1)
  })

  const silent = [
    ["another worker's receipt", factsOf({ subject: `0x${'ee'.repeat(32)}` }), true],
    ['what somebody else answered', factsOf(), false],
    ["what is the buyer's to show", factsOf({ ask: Ask.Input }), true],
  ] as const
  for (const [what, facts, isOpen] of silent) {
    it(`leaves ${what}`, async () => {
      const { answerer, answers } = answering(facts, { isOpen })
      await answerer.tick()
      expect(answers).to.deep.equal([])
    })
  }
})
