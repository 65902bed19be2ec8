import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { expect } from 'chai'

import { detectSystemConfinement, sealProcess, startConfined } from '#runtime/sandbox/confinement.ts'

/** Tries everything a process could do to the machine; answers with what succeeded. */
const probe = `
import { connect, createServer } from 'node:net'
import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { readFileSync, readdirSync, writeFileSync, openSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
const port = await new Promise((resolve) => { process.stdin.once('data', (chunk) => resolve(Number(chunk.toString()))); process.stdout.write('ready\\n') })
const attempts = {
  environment: () => { if (Object.keys(process.env).length === 0) throw new Error('empty') },
  'read a file': () => readFileSync('/etc/passwd'),
  'list a folder': () => readdirSync('/'),
  'write a file': () => writeFileSync('/tmp/tally-probe', 'x'),
  'open a device': () => openSync('/dev/null', 'r'),
  'start a process': () => execFileSync('/bin/true'),
  'start a thread': () => new Worker('1', { eval: true }),
  'run text as code': () => new Function('return 1')(),
  'load an addon': () => process.dlopen({ exports: {} }, '/lib/x86_64-linux-gnu/libc.so.6'),
  'connect by TCP': () => new Promise((resolve, reject) => { connect(port, '127.0.0.1').on('connect', resolve).on('error', reject) }),
  'send by UDP': () => new Promise((resolve, reject) => { const s = createSocket('udp4'); s.on('error', reject); s.send('x', port, '127.0.0.1', (e) => (e ? reject(e) : resolve())) }),
  'listen': () => new Promise((resolve, reject) => { createServer().listen(0, '127.0.0.1').on('listening', resolve).on('error', reject) }),
  'fetch': () => fetch('http://127.0.0.1:' + port),
  'resolve a name': () => lookup('localhost'),
}
const succeeded = []
for (const [name, attempt] of Object.entries(attempts)) {
  try { await attempt(); succeeded.push(name) } catch {}
}
process.stdout.write(JSON.stringify(succeeded) + '\\n', () => process.exit(0))
`

describe('the process programs run in', function () {
  this.timeout(20_000)
  let folder: string
  let server: Server
  let connections = 0
  const system = detectSystemConfinement()

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tally-confinement-'))
    server = createServer((socket) => {
      connections += 1
      socket.destroy()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  after(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })

  it('has no environment, reads and writes no file, and starts nothing', async () => {
    const succeeded = await runProbe()
    const network = ['connect by TCP', 'send by UDP', 'listen', 'fetch', 'resolve a name']
    expect(succeeded.filter((name) => !network.includes(name))).to.deep.equal([])
  })

  it('opens no socket where the system can forbid it', async () => {
    const before = connections
    const succeeded = await runProbe()
    const network = ['connect by TCP', 'send by UDP', 'listen', 'resolve a name']
    expect(network.filter((name) => succeeded.includes(name)).length > 0).to.equal(!system)
    expect(connections > before).to.equal(!system)
  })

  it('ends when the process it works for is killed', async () => {
    const script = join(folder, 'parent.mjs')
    const executorPath = fileURLToPath(import.meta.resolve('#runtime/executor.ts'))
    writeFileSync(
      script,
      `import { createExecutor } from ${JSON.stringify(executorPath)}
      const endless = Uint8Array.from(${JSON.stringify([...endlessProgram])})
      const executor = createExecutor({ limits: { timeoutMs: 600_000 } })
      const job = (maxUnits) => executor.execute({ program: endless, input: new Uint8Array(), maxUnits })
      await job(1n)
      void job(30_000n).catch(() => {})
      console.log('running')`,
    )
    const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'], env: {} })
    const [line] = await once(createInterface(parent.stdout), 'line')
    expect(line).to.equal('running')
    const children = childrenOf(parent.pid ?? 0)
    parent.kill('SIGKILL')
    await once(parent, 'exit')
    // without the system's help a process outlives its parent until its job's units are used up
    const patience = system ? 50 : 150
    for (let tries = 0; tries < patience && children.some(isRunning); tries += 1) await delay(100)
    expect(children.filter(isRunning)).to.deep.equal([])
    expect(children.length > 0).to.equal(process.platform === 'linux')
  })

  async function runProbe(): Promise<string[]> {
    const script = join(folder, 'probe.mjs')
    writeFileSync(script, probe)
    const child = startConfined({ script, system })
    try {
      const lines = createInterface(child.stdout)
      const [ready] = await once(lines, 'line')
      expect(ready).to.equal('ready')
      if (system) await sealProcess(child)
      const address = server.address()
      child.stdin.write(String(typeof address === 'object' ? address?.port : 0))
      const [answer] = await once(lines, 'line')
      return JSON.parse(answer)
    } finally {
      child.kill('SIGKILL')
    }
  }
})

/** `(module (memory (export "memory") 1) (func (export "run") (loop (br 0))))` */
const endlessProgram = Buffer.from(
  '0061736d01000000010401600000030201000503010001071002066d656d6f7279020003' + '72756e00000a09010700034' + '00c000b0b',
  'hex',
)

/** Processes started by `parent`; none where there is no /proc. */
function childrenOf(parent: number): number[] {
  if (!existsSync('/proc/self/stat')) return []
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => statusOf(pid)?.parent === parent)
}

function isRunning(pid: number): boolean {
  const status = statusOf(pid)
  return status !== undefined && status.state !== 'Z'
}

function statusOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' ') ?? []
    return { state: fields[0] ?? '', parent: Number(fields[1]) }
  } catch {
    return undefined
  }
}
