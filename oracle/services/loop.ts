/**
 * Repeats one step with pauses until the node ends; a step that fails is logged and tried again.
 *
 * @module
 */
import type { Logger } from '#runtime/log.ts'

/** A running loop. */
export type Loop = {
  /** Cuts the current pause short. */
  readonly wake: () => void
  /** Resolves when the loop has ended. */
  readonly ended: Promise<void>
}

/**
 * Starts a loop.
 *
 * @param options - `intervalMs`: pause between steps; after failures it doubles up to sixteenfold.
 */
export function startLoop(options: {
  readonly name: string
  readonly intervalMs: number
  readonly step: () => Promise<void>
  readonly signal: AbortSignal
  readonly log: Logger
}): Loop {
  const { name, intervalMs, step, signal, log } = options
  let wake = () => {}
  let woken = false
  let failures = 0

  async function pause(): Promise<void> {
    if (woken || signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, intervalMs * 2 ** Math.min(failures, 4))
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async function run(): Promise<void> {
    const onAbort = () => wake()
    signal.addEventListener('abort', onAbort)
    while (!signal.aborted) {
      woken = false
      try {
        await step()
        failures = 0
      } catch (error) {
        if (signal.aborted) break
        failures += 1
        log.warn({ err: error, loop: name, failures }, 'step failed')
      }
      await pause()
    }
    signal.removeEventListener('abort', onAbort)
  }

  return {
    wake: () => {
      woken = true
      wake()
    },
    ended: run(),
  }
}
