/**
 * Defends the worker's receipts of provable work: plays the asserter's side of every game on one of them, by doing the work
 * again. A receipt whose work comes out otherwise is not defended: every move would be a lie, and silence costs less.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import { dataRoot } from '#protocol/merkle.ts'
import { Kind } from '#protocol/types.ts'
import { plainHashOf } from '#protocol/vm/result.ts'
import { stateHash } from '#protocol/vm/state.ts'
import type { Sender } from '#runtime/act-sender.ts'
import type { Court, CourtGame, CourtView } from '#runtime/games/court.ts'
import type { Statement } from '#runtime/games/decide.ts'
import { openingOf } from '#runtime/games/opening.ts'
import { createPlayer, type Turned } from '#runtime/games/player.ts'
import type { Purse } from '#runtime/games/purse.ts'
import { createTruth } from '#runtime/games/truth.ts'
import type { Logger } from '#runtime/log.ts'
import type { ProvableExecution, ProvableExecutor } from '#runtime/provable-execution.ts'

import type { StoredReceipt } from '../rows.ts'
import type { WorkerStore } from '../store.ts'
import type { Board } from './board.ts'
import type { Library } from './library.ts'

/** Defends receipts. */
export type Defender = {
  /** Looks for games and makes the moves that are due; one call at a time. */
  tick(): Promise<void>
}

/** Creates the defender of one worker; the sender's key has to be allowed to play for the provider. */
export function createDefender(options: {
  readonly store: Pick<WorkerStore, 'receiptOf'>
  readonly library: Pick<Library, 'fetch'>
  readonly executor: ProvableExecutor
  /** Its provider's id. */
  readonly provider: number
  readonly settlement: Address
  readonly court: Court
  readonly sender: Sender
  readonly purse: Purse
  readonly board: Pick<Board, 'refuse'>
  readonly log: Logger
  readonly signal: AbortSignal
}): Defender {
  const { store, library, executor, provider, settlement, court, sender, purse, board, log, signal } = options
  /** What there is to say about each disputed receipt, by work hash. */
  const statements = new Map<Hex, Promise<Statement | null>>()
  const told = new Set<string>()

  /** The receipt that a game is about, if it is this worker's. */
  function receiptIn({ claim: { facts } }: CourtGame): StoredReceipt | null {
    if (facts.provider !== provider || facts.kind !== Kind.Provable) return null
    const receipt = store.receiptOf(facts.workHash)
    return receipt?.order.dealKey === facts.key ? receipt : null
  }

  async function statementOn(program: Hex, receipt: StoredReceipt): Promise<Statement | null> {
    const { order, startedAt, endedAt } = receipt
    const [elf, input] = await Promise.all([library.fetch(program), library.fetch(order.inputRoot)])
    const execution = await executor.executeProvable({ program: elf, input, maxUnits: order.maxUnits }, { signal })
    if (!isAsPaid(execution, receipt)) return null
    const truth = createTruth(executor, { program: elf, input }, { signal })
    const work = { startedAt, endedAt, order, program: elf, input }
    return { truth, opening: async () => await openingOf(work, execution, truth) }
  }

  async function statementIn({ claim: { facts } }: CourtGame, receipt: StoredReceipt): Promise<Statement | null> {
    const known = statements.get(receipt.workHash)
    if (known !== undefined) return await known
    const statement = statementOn(facts.program, receipt)
    statements.set(receipt.workHash, statement)
    // what could not be had is asked for again
    statement.catch(() => statements.delete(receipt.workHash))
    return await statement
  }

  const player = createPlayer({
    ...{ court, settlement, sender, purse, log },
    seatOf(game) {
      const receipt = receiptIn(game)
      return receipt === null ? null : { side: 'asserter', statement: async () => await statementIn(game, receipt) }
    },
  })

  /** Says once what a game came to. */
  function tell({ game, decision, state }: Turned): void {
    const name = `${game.id} ${game.moves.length} ${decision.kind}`
    if (told.has(name) || (decision.kind === 'play' && state !== 'sent')) return
    told.add(name)
    const what = decision.kind === 'play' ? decision.what : decision.kind
    log.info({ game: game.id, receipt: game.claim.facts.workHash, decision: what }, 'a receipt is disputed')
    if (decision.kind === 'concede') board.refuse('chain', 'game.conceded', `game ${game.id}: ${decision.why}`)
  }

  /** Forgets what is disputed no more, and takes back the bonds. */
  async function clear({ games }: CourtView): Promise<void> {
    const own = [...games.values()].filter((game) => receiptIn(game) !== null)
    const open = new Set(own.filter(({ outcome }) => outcome === null).map(({ claim }) => claim.facts.workHash))
    for (const hash of statements.keys()) if (!open.has(hash)) statements.delete(hash)
    if (own.length > 0 && open.size === 0) await purse.collect()
  }

  return {
    async tick() {
      await sender.step()
      const view = await court.read()
      for (const turned of await player.step(view)) tell(turned)
      await clear(view)
      await sender.step()
    },
  }
}

function isAsPaid({ output, finalState, units }: ProvableExecution, receipt: StoredReceipt): boolean {
  const outputRoot = dataRoot(output)
  const plainHash = plainHashOf(outputRoot, stateHash(finalState))
  return outputRoot === receipt.outputRoot && plainHash === receipt.plainHash && units === receipt.units
}
