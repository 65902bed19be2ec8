/**
 * Runs a command line in process and keeps what it said.
 *
 * @module
 */
import { runTally } from '#cli/program.ts'

/** What one command line did. */
export type Said = { code: number; out: string; err: readonly string[] }

/** Runs `tally` with these arguments; the environment is empty but for `env`. */
export async function tally(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Said> {
  const out: string[] = []
  const err: string[] = []
  const code = await runTally(args, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    env: (name) => env[name],
    signal: new AbortController().signal,
  })
  return { code, out: out.join('\n'), err }
}
