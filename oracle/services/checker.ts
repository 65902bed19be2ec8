/**
 * Re-executes what workers delivered, before anything is signed. Runs beside the intake, oldest segment first.
 *
 * @module
 */
import type { Hex } from 'viem'

import { Claim } from '#protocol/attestation.ts'
import { isProgram } from '#protocol/content.ts'
import { TallyError } from '#protocol/errors.ts'
import type { Logger } from '#runtime/log.ts'
import type { DoneTask, DoTask, Task } from '#runtime/tasks.ts'
import { executionChecks, firstFailure } from '../domain/checks.ts'
import type { FullReceipt } from '../domain/segment.ts'
import type { Chain, Clock, Data, Store, StoredSegment } from '../ports.ts'

/** The re-execution of one member. */
export type Checker = {
  /** Verifies what is due; true if something was looked at. */
  step(): Promise<boolean>
}

/** Receipts remembered as verified, so that a longer tally of a stream costs only its new ones. */
const REMEMBERED = 100_000
/** Segments looked at in one step. */
const SEGMENTS_PER_STEP = 16
/** Pause before a segment that could not be verified is tried again, milliseconds. */
const RETRY_MS = 2_000
/** The same after the sandbox failed, which may have cost much. */
const RETRY_FAILED_MS = 30_000
/** How often a program in use is put again, milliseconds. */
const RENEW_MS = 3_600_000
/** Failures that every member has alike: nothing can be payable for them. */
const LASTING = new Set([
  'execution.program-invalid',
  'execution.program-too-large',
  'execution.input-too-large',
  'execution.output-dirty',
])

/** A deal's program, at hand. */
type Program = Pick<Task, 'program' | 'kind'>
type Unlike = { readonly check: string; readonly receipt: FullReceipt }

/**
 * Creates the checker.
 *
 * @param deps - `parallel`: tasks run at once; `onRefusal` is told the check that failed.
 */
export function createChecker(deps: {
  readonly store: Store
  readonly chain: Pick<Chain, 'program'>
  readonly data: Pick<Data, 'get' | 'put'>
  readonly doTask: DoTask
  readonly clock: Clock
  readonly parallel: number
  readonly log: Logger
  readonly signal: AbortSignal
  readonly onRefusal: (check: string) => void
  readonly onVerified: () => void
}): Checker {
  const { store, chain, data, clock, log } = deps
  const verified = new Set<string>()
  const renewedAt = new Map<Hex, number>()
  const keyOf = (receipt: FullReceipt) => `${receipt.workHash}:${receipt.units}`

  function remember(receipt: FullReceipt): void {
    verified.add(keyOf(receipt))
    const [oldest] = verified
    if (verified.size > REMEMBERED && oldest !== undefined) verified.delete(oldest)
  }

  async function programOf({ segment }: StoredSegment): Promise<Program | null> {
    const known = store.blocks.program(segment.dealKey)
    const facts = known ?? (await chain.program(segment.dealId, segment.dealKey))
    if (facts === null) return null
    if (known === null) store.blocks.rememberProgram(segment.dealKey, facts)
    const program = await renewed(facts.root)
    return program !== null && isProgram(facts.kind, facts.root, program) ? { program, kind: facts.kind } : null
  }

  /** A program's bytes. A deal may outlive what data is kept for: programs in use are put again now and then. */
  async function renewed(root: Hex): Promise<Uint8Array | null> {
    const bytes = await data.get(root)
    if (bytes === null || clock.now() - (renewedAt.get(root) ?? 0) < RENEW_MS) return bytes
    await data.put(bytes, root)
    renewedAt.set(root, clock.now())
    return bytes
  }

  /** Check that fails, `input.available` if the run is not possible now, null if it is alike. */
  async function judge(receipt: FullReceipt, program: Program): Promise<Unlike | null> {
    if (verified.has(keyOf(receipt))) return null
    const input = await data.get(receipt.order.inputRoot)
    if (input === null) return { check: 'input.available', receipt }
    const execution = await run({ ...program, input, maxUnits: receipt.order.maxUnits })
    const failure =
      execution === null ? 'reexecution.output' : firstFailure(executionChecks, { receipt, execution })?.name
    if (failure !== undefined) return { check: failure, receipt }
    remember(receipt)
    return null
  }

  /** What the program makes of the input; null if it can run nowhere. */
  async function run(task: Task): Promise<DoneTask | null> {
    try {
      return await deps.doTask(task)
    } catch (error) {
      if (error instanceof TallyError && LASTING.has(error.code)) return null
      throw error
    }
  }

  async function firstUnlike(receipts: readonly FullReceipt[], program: Program): Promise<Unlike | null> {
    for (let at = 0; at < receipts.length && !deps.signal.aborted; at += deps.parallel) {
      const found = await Promise.all(receipts.slice(at, at + deps.parallel).map((receipt) => judge(receipt, program)))
      const unlike = found.find((one) => one !== null)
      if (unlike !== undefined) return unlike
    }
    return null
  }

  function later(tallyHash: Hex, check: string, pauseMs: number): void {
    store.segments.tried(tallyHash, check, clock.now() + pauseMs - RETRY_MS)
  }

  async function verify({ tallyHash, segment }: StoredSegment, program: Program): Promise<void> {
    const unlike = await firstUnlike(segment.receipts, program)
    if (deps.signal.aborted) return
    if (unlike === null) {
      store.segments.verified(tallyHash, Claim.Tallies | Claim.ReExecuted | Claim.Retrievable)
      deps.onVerified()
    } else if (unlike.check === 'input.available') {
      later(tallyHash, unlike.check, RETRY_MS)
    } else {
      store.segments.refuse(tallyHash, unlike.check)
      deps.onRefusal(unlike.check)
      log.warn({ tallyHash, check: unlike.check, task: unlike.receipt.order.index.toString() }, 'segment refused')
    }
  }

  return {
    async step() {
      const due = store.segments.unverified(SEGMENTS_PER_STEP, clock.now() - RETRY_MS)
      for (const stored of due) {
        if (deps.signal.aborted) return false
        try {
          const program = await programOf(stored)
          if (program === null) later(stored.tallyHash, 'program.available', RETRY_MS)
          else await verify(stored, program)
        } catch (error) {
          // one program that cannot be run must not keep the others waiting
          later(stored.tallyHash, 'reexecution.pending', RETRY_FAILED_MS)
          log.warn({ err: error, tallyHash: stored.tallyHash }, 're-execution failed')
        }
      }
      return due.length > 0
    },
  }
}
