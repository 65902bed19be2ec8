/**
 * The main job as a user runs it.
 *
 * @module
 */
import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'

import { expect } from 'chai'

const ROOT = join(import.meta.dirname, '..', '..')

type Run = {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<number | null>
  stdout(): string
  stderr(): string
}

function start(state: string): Run {
  const args = ['scripts/start.ts', '--json', '--state', state]
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
  const stdout: string[] = []
  const stderr: string[] = []
  child.stdout.on('data', (chunk) => stdout.push(String(chunk)))
  child.stderr.on('data', (chunk) => stderr.push(String(chunk)))
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, ended, stdout: () => stdout.join(''), stderr: () => stderr.join('') }
}

/** Processes that a process started. */
function childrenOf(pid: number): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  return rows.flatMap((row) => {
    const [own, parent] = row.trim().split(/\s+/).map(Number)
    return parent === pid && own !== undefined ? [own] : []
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('npm start', () => {
  let state: string
  let run: Run | null = null

  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), 'tally-start-'))
  })
  afterEach(async () => {
    run?.child.kill('SIGTERM')
    await run?.ended
    rmSync(state, { recursive: true })
  })

  it('settles hundreds of receipts in all three lanes, pays everybody and audits clean', async () => {
    run = start(state)
    const code = await run.ended
    expect(code, run.stderr()).to.equal(0)
    const lines = run.stdout().split('\n')
    expect(lines).to.have.lengthOf(2)
    const verdict = JSON.parse(lines[0] ?? '')
    expect(verdict).to.deep.include({ ok: true, chainId: 31_337, deals: 5, receipts: 420 })
    expect(verdict.batches).to.be.at.least(6)
    const bought = verdict.work.map(({ program, kind, receipts }: Record<string, unknown>) => [program, kind, receipts])
    expect(bought).to.deep.equal([
      ['quiet-skies', 'repeatable', 360],
      ['lambda-phage', 'provable', 40],
      ['city-weather', 'provable', 20],
    ])
    for (const { found } of verdict.work) expect(found).to.match(/\.$/)
    expect(verdict.lanes).to.have.all.keys('acknowledged', 'attested', 'forced')
    for (const batches of Object.values(verdict.lanes)) expect(batches).to.be.at.least(1)
    const earned = Object.values<string>(verdict.earned).reduce((sum, amount) => sum + BigInt(amount), 0n)
    expect(BigInt(verdict.paid)).to.equal(earned + BigInt(verdict.fees))
    expect(verdict.invariants.filter(({ ok }: { ok: boolean }) => !ok)).to.deep.equal([])
    expect(verdict.audit).to.deep.equal({
      ...{ clean: true, receipts: 420, reExecuted: 420, notReExecuted: 0, discrepancies: [] },
    })
    expect(existsSync(join(state, 'network.json'))).to.equal(false)
  }).timeout(300_000)

  it('leaves no process behind when it is interrupted', async () => {
    run = start(state)
    while (!run.stderr().includes('starting three workers')) {
      expect(run.child.exitCode, run.stderr()).to.equal(null)
      await sleep(100)
    }
    const started = childrenOf(run.child.pid ?? 0)
    expect(started.length).to.be.at.least(4)
    run.child.kill('SIGINT')
    expect(await run.ended).to.equal(130)
    expect(started.filter(isAlive)).to.deep.equal([])
    expect(run.stdout()).to.equal('')
  }).timeout(120_000)

  it('does not start a second network in the same place', async () => {
    run = start(state)
    while (!existsSync(join(state, 'network.lock'))) await sleep(50)
    const second = start(state)
    expect(await second.ended).to.equal(1)
    expect(second.stderr()).to.contain('a local network runs already')
  }).timeout(60_000)
})
