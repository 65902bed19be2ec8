/**
 * What a command may touch of the world around it.
 *
 * @module
 */
/** Streams, environment and the end of it all; handed in by `main.ts`. */
export type Io = {
  /** Writes a line of results. */
  out: (line: string) => void
  /** Writes a line about progress or trouble. */
  err: (line: string) => void
  /** Value of an environment variable a flag names. */
  env: (name: string) => string | undefined
  signal: AbortSignal
}

/** JSON with bigints as decimal strings, as every other body of this project has them. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? one.toString() : one), 2)
}
