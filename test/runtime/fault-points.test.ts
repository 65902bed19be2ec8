import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect } from 'chai'

import { createFaultPoints } from '#runtime/fault-points.ts'

const modulePath = fileURLToPath(import.meta.resolve('#runtime/fault-points.ts'))

/** Runs a process passing `settle.sent` three times; returns what it wrote and how it ended. */
function pass(setting: string): { passed: string; signal: string | null } {
  const code = `import { createFaultPoints } from ${JSON.stringify(modulePath)}
    import { writeSync } from 'node:fs'
    const points = createFaultPoints(process.argv[1])
    for (const n of [1, 2, 3]) { points.hit('other'); points.hit('settle.sent'); writeSync(1, String(n)) }`
  const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', code, setting], {
    encoding: 'utf8',
  })
  return { passed: stdout, signal }
}

describe('fault points', function () {
  this.timeout(10_000)

  it('do nothing when none is armed', () => {
    const points = createFaultPoints(undefined)
    points.hit('settle.sent')
    expect(pass('')).to.deep.equal({ passed: '123', signal: null })
    expect(pass('store.saved')).to.deep.equal({ passed: '123', signal: null })
  })

  it('kill the process at the first or the nth passage', () => {
    expect(pass('settle.sent')).to.deep.equal({ passed: '', signal: 'SIGKILL' })
    expect(pass('settle.sent:3')).to.deep.equal({ passed: '12', signal: 'SIGKILL' })
    expect(pass('settle.sent:4')).to.deep.equal({ passed: '123', signal: null })
  })

  it('kill once only when a marker file is named, so the next process lives', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tally-fault-'))
    try {
      const marker = join(folder, 'fired')
      expect(pass(`settle.sent:2@${marker}`)).to.deep.equal({ passed: '1', signal: 'SIGKILL' })
      expect(existsSync(marker)).to.equal(true)
      expect(pass(`settle.sent:2@${marker}`)).to.deep.equal({ passed: '123', signal: null })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('refuse a setting that does not read', () => {
    for (const setting of ['@/tmp/x', 'a:0', 'a:x', 'a@', 'A b']) {
      expect(() => createFaultPoints(setting))
        .to.throw()
        .that.includes({ code: 'fault.invalid' })
    }
  })
})
