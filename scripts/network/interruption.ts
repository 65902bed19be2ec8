/**
 * Being interrupted: whatever is under way is left where it is, because what it talks to is about to be ended.
 *
 * @module
 */

/**
 * The result of `work`, unless the signal comes first.
 *
 * @throws The signal's reason, at once, when it is aborted.
 */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // an abandoned piece of work fails when its network goes; nobody waits for that any more
  work.catch(() => {})
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = () => reject(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
