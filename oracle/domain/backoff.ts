/**
 * Growing pauses between tries of what keeps failing.
 *
 * @module
 */

/** Pauses by key. */
export type Backoff = {
  /** Notes a failure: the key's next pause is about twice as long as its last one. */
  failed(key: number): void
  /** Whether the key may be tried again. */
  isDue(key: number): boolean
}

/** A key that has not failed for this long after its pause starts with short pauses again, milliseconds. */
const QUIET_MS = 120_000

/**
 * Creates the pauses.
 *
 * @param options - `firstMs`: the first pause, `lastMs`: the longest; `random`: 0 to 1, spreads each pause over half of
 *   itself, so that of several that failed together each is soon tried apart from the others.
 */
export function createBackoff(options: {
  readonly firstMs: number
  readonly lastMs: number
  readonly now: () => number
  readonly random: () => number
}): Backoff {
  const { firstMs, lastMs, now } = options
  const pauses = new Map<number, { readonly until: number; readonly lengthMs: number }>()

  function forgetQuiet(): void {
    for (const [key, { until, lengthMs }] of pauses) {
      if (now() > until + Math.max(QUIET_MS, 2 * lengthMs)) pauses.delete(key)
    }
  }

  return {
    failed(key) {
      forgetQuiet()
      const last = pauses.get(key)
      const lengthMs = last === undefined ? firstMs : Math.min(2 * last.lengthMs, lastMs)
      pauses.set(key, { until: now() + lengthMs * (1 + options.random() / 2), lengthMs })
    },
    isDue: (key) => now() >= (pauses.get(key)?.until ?? 0),
  }
}
