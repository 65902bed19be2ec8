/**
 * One place where everything that must end is registered: timers, listeners, servers, children.
 *
 * @module
 */
import { TallyError } from '#protocol/errors.ts'

/** The end of one process or service, shared by all its parts. */
export type Shutdown = {
  /** Aborted when the end begins; hand it to timers, fetches and loops. */
  readonly signal: AbortSignal
  /**
   * Registers what has to be closed; the last registered closes first, as later parts stand on earlier ones.
   *
   * @returns Takes the registration back.
   */
  onShutdown(close: () => void | Promise<void>): () => void
  /**
   * Ends everything, once: later calls wait for the first.
   *
   * @throws ShutdownError when a part failed or took too long; all other parts were closed nevertheless.
   */
  shutdown(reason?: string): Promise<void>
}

/** Thrown when a part could not be closed: `shutdown.failed`; its `cause` holds every failure. */
export class ShutdownError extends TallyError {
  override readonly name = 'ShutdownError'

  constructor(failures: readonly unknown[]) {
    super('shutdown.failed', `${failures.length} part(s) did not close`, {
      cause: new AggregateError(failures, failures.map(String).join('; ')),
    })
  }
}

/**
 * Creates the end of one service.
 *
 * @param options - `timeoutMs`: how long one part may take to close, default 10,000 ms.
 */
export function createShutdown(options: { readonly timeoutMs?: number } = {}): Shutdown {
  const timeoutMs = options.timeoutMs ?? 10_000
  const controller = new AbortController()
  const parts: (() => void | Promise<void>)[] = []
  let ending: Promise<void> | undefined

  async function closeAll(): Promise<void> {
    const failures: unknown[] = []
    for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
      try {
        await inTime(part, timeoutMs)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw new ShutdownError(failures)
  }

  return {
    signal: controller.signal,
    onShutdown(close) {
      parts.push(close)
      return () => {
        const at = parts.indexOf(close)
        if (at >= 0) parts.splice(at, 1)
      }
    },
    shutdown(reason = 'shutdown') {
      if (ending === undefined) {
        controller.abort(new DOMException(reason, 'AbortError'))
        ending = closeAll()
      }
      return ending
    },
  }
}

async function inTime(close: () => void | Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`a part did not close within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    await Promise.race([close(), late])
  } finally {
    clearTimeout(timer)
  }
}
