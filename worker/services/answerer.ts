/**
 * Answers demands about the worker's own receipts: silence would cost its provider stake.
 *
 * @module
 */
import type { Hex } from 'viem'

import { chunkOf } from '#protocol/courts.ts'
import { taskHash } from '#protocol/eip712.ts'
import type { Logger } from '#runtime/log.ts'

import { Ask, type DemandFacts, type Demands, type WorkShown } from '../adapters/demands.ts'
import type { StoredReceipt } from '../rows.ts'
import type { WorkerStore } from '../store.ts'
import type { Board } from './board.ts'
import type { Library } from './library.ts'

/** Answers demands. */
export type Answerer = {
  /** Looks for demands and answers what can be answered; one call at a time. */
  tick(): Promise<void>
}

/** Creates the answerer of one worker. */
export function createAnswerer(options: {
  readonly store: Pick<WorkerStore, 'receipts'>
  readonly library: Pick<Library, 'fetch'>
  readonly demands: Demands
  readonly board: Pick<Board, 'refuse'>
  readonly log: Logger
}): Answerer {
  const { store, library, demands, board, log } = options
  const waiting = new Map<Hex, DemandFacts>()

  /** The receipt that is asked about, if it is this worker's. */
  function receiptOf({ key, stream, index, subject }: DemandFacts): StoredReceipt | null {
    const [receipt] = store.receipts({ dealKey: key, stream }, index, index + 1)
    return receipt?.workHash === subject ? receipt : null
  }

  async function answer(id: Hex, facts: DemandFacts, receipt: StoredReceipt): Promise<void> {
    const work = workOf(receipt)
    const transaction =
      facts.ask === Ask.Order
        ? await demands.answerOrder(facts, work, receipt.order)
        : await demands.answerOutput(facts, work, chunkOf(await library.fetch(receipt.outputRoot), facts.chunk))
    log.info({ demand: id, transaction, ask: facts.ask }, 'a demand is answered')
  }

  async function attempt(id: Hex, facts: DemandFacts): Promise<void> {
    const receipt = receiptOf(facts)
    if (receipt === null || !(await demands.isOpen(id))) {
      waiting.delete(id)
      return
    }
    try {
      await answer(id, facts, receipt)
      waiting.delete(id)
    } catch (error) {
      // it is tried again until its time is over: then it is open no more
      board.refuse('chain', 'demand.unanswered', error instanceof Error ? error.message : String(error))
      log.warn({ err: error, demand: id }, 'a demand could not be answered')
    }
  }

  return {
    async tick() {
      for (const { id, facts } of await demands.read()) {
        if (facts.ask === Ask.Order || facts.ask === Ask.Output) waiting.set(id, facts)
      }
      for (const [id, facts] of [...waiting]) await attempt(id, facts)
    },
  }
}

function workOf({ order, outputRoot, plainHash, startedAt, endedAt }: StoredReceipt): WorkShown {
  return { taskHash: taskHash(order), outputRoot, plainHash, startedAt, endedAt }
}
