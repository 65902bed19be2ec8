/**
 * Re-executes what workers delivered, before anything is signed. Runs beside the intake, oldest segment first.
 *
 * @module
 */
import type { Hex } from 'viem'

import { Claim } from '#protocol/attestation.ts'
import type { Logger } from '#runtime/log.ts'
import { executionChecks, firstFailure } from '../domain/checks.ts'
import type { FullReceipt } from '../domain/segment.ts'
import type { Chain, Data, Executor, Store, StoredSegment } from '../ports.ts'

/** The re-execution of one member. */
export type Checker = {
  /** Verifies what is due; true if something was. */
  step(): Promise<boolean>
}

/** Receipts remembered as verified, so that a longer tally of a stream costs only its new ones. */
const REMEMBERED = 100_000
/** Segments looked at in one step. */
const SEGMENTS_PER_STEP = 16

/**
 * Creates the checker.
 *
 * @param deps - `onRefusal` is told the check that failed.
 */
export function createChecker(deps: {
  readonly store: Store
  readonly chain: Pick<Chain, 'program'>
  readonly data: Pick<Data, 'get'>
  readonly executor: Executor
  readonly log: Logger
  readonly signal: AbortSignal
  readonly onRefusal: (check: string) => void
  readonly onVerified: () => void
}): Checker {
  const { store, chain, data, executor, log } = deps
  const verified = new Set<string>()
  const keyOf = (receipt: FullReceipt) => `${receipt.workHash}:${receipt.units}`

  function remember(receipt: FullReceipt): void {
    verified.add(keyOf(receipt))
    const [oldest] = verified
    if (verified.size > REMEMBERED && oldest !== undefined) verified.delete(oldest)
  }

  async function programOf({ segment }: StoredSegment): Promise<Uint8Array | null> {
    const known = store.blocks.program(segment.dealKey)
    const root = known ?? (await chain.program(segment.dealId, segment.dealKey))
    if (root === null) return null
    if (known === null) store.blocks.rememberProgram(segment.dealKey, root)
    return data.get(root)
  }

  /** Check that fails for good, `hold` if the run is not possible yet, null if it is alike. */
  async function judge(receipt: FullReceipt, program: Uint8Array): Promise<string | null> {
    const input = await data.get(receipt.order.inputRoot)
    if (input === null) return 'input.available'
    const execution = await executor.execute({ program, input, maxUnits: receipt.order.maxUnits })
    return firstFailure(executionChecks, { receipt, execution })?.name ?? null
  }

  function refuse(tallyHash: Hex, check: string, receipt: FullReceipt): void {
    store.segments.refuse(tallyHash, check)
    deps.onRefusal(check)
    log.warn({ tallyHash, check, task: receipt.order.index.toString() }, 'segment refused')
  }

  async function firstUnlike(receipts: readonly FullReceipt[], program: Uint8Array) {
    for (const receipt of receipts) {
      if (deps.signal.aborted) break
      if (verified.has(keyOf(receipt))) continue
      const check = await judge(receipt, program)
      if (check !== null) return { check, receipt }
      remember(receipt)
    }
    return null
  }

  async function verify(stored: StoredSegment): Promise<boolean> {
    const program = await programOf(stored)
    if (program === null) {
      store.segments.note(stored.tallyHash, 'program.available')
      return false
    }
    const failure = await firstUnlike(stored.segment.receipts, program)
    if (deps.signal.aborted) return false
    if (failure?.check === 'input.available') {
      store.segments.note(stored.tallyHash, failure.check)
      return false
    }
    if (failure !== null) {
      refuse(stored.tallyHash, failure.check, failure.receipt)
      return true
    }
    store.segments.verified(stored.tallyHash, Claim.Tallies | Claim.ReExecuted | Claim.Retrievable)
    deps.onVerified()
    return true
  }

  return {
    async step() {
      let progress = false
      for (const stored of store.segments.unverified(SEGMENTS_PER_STEP)) {
        if (deps.signal.aborted) break
        try {
          progress = (await verify(stored)) || progress
        } catch (error) {
          // one program that cannot be run must not keep the others waiting
          store.segments.note(stored.tallyHash, 'reexecution.pending')
          log.warn({ err: error, tallyHash: stored.tallyHash }, 're-execution failed')
        }
      }
      return progress
    },
  }
}
