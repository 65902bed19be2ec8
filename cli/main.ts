#!/usr/bin/env node
/**
 * `node cli/main.ts …`, as `npm run tally --` and the `tally` command run it.
 *
 * @module
 */
import { runTally } from './program.ts'

const end = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    end.abort(new Error(`ended by ${signal}`))
  })
}

process.exitCode = await runTally(process.argv.slice(2), {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
  env: (name) => process.env[name],
  signal: end.signal,
})
