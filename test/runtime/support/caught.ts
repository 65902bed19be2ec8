/**
 * The error a promise is rejected with.
 *
 * @module
 */

/** Resolves with the error; rejects when there is none. */
export async function caught(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
