/**
 * Ends processes whose parent is gone: `+pid` and `-pid` come in line by line, and when the input ends, whatever is still on
 * the list is killed. A test runner that is itself killed cannot clean up; the end of its pipe does it.
 *
 * @module
 */
import { createInterface } from 'node:readline'

if (process.argv[1] === import.meta.filename) {
  const alive = new Set<number>()
  // the terminal's interrupt is for the runner: this process ends after it
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const pid = Number(line.slice(1))
    if (line.startsWith('+')) alive.add(pid)
    else alive.delete(pid)
  })
  lines.once('close', () => {
    for (const pid of alive) {
      try {
        process.kill(-pid, 'SIGKILL')
      } catch {
        // it ended by itself
      }
    }
  })
}
