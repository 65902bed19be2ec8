/**
 * A member as the process operators run, to be killed and started again.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type Deployment, keyOf, type TestChain } from './chain.ts'
import { settingsOf } from './member.ts'

const MAIN = join(import.meta.dirname, '../../../oracle/main.ts')

/** A started process. */
export type OracleProcess = {
  readonly url: string
  /** Exit code, or the signal's name. */
  readonly ended: Promise<number | string | null>
  kill(signal: NodeJS.Signals): void
}

/** A member's files: keys, settings (`more` of them than usual), data. */
export async function prepareMember(
  chain: TestChain,
  deployment: Deployment,
  port: number,
  more: Record<string, unknown> = {},
) {
  const folder = await mkdtemp(join(tmpdir(), 'tally-oracle-'))
  const file = async (name: string, text: string) => {
    const path = join(folder, name)
    await writeFile(path, text, { mode: 0o600 })
    return path
  }
  const settings = {
    ...settingsOf(chain, deployment, join(folder, 'data'), port),
    signerKeyFile: await file('signer.key', keyOf('member 0')),
    gasKeyFile: await file('gas.key', keyOf('gas 0')),
    ...more,
  }
  const config = await file('config.json', JSON.stringify(settings))
  return { folder, config, settings, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** Starts `node oracle/main.ts`; `fault` arms a fault point. Rejects with its standard error if it does not serve. */
export async function startProcess(config: string, fault?: string): Promise<OracleProcess> {
  const child = run(config, fault)
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const ended = once(child, 'exit').then(([code, signal]) => signal ?? code)
  const line = await Promise.race([
    once(child.stdout ?? child, 'data').then(([chunk]) => String(chunk)),
    ended.then((code) => Promise.reject(new Error(`ended with ${code}: ${errors}`))),
  ])
  return { url: JSON.parse(line).url, ended, kill: (signal) => void child.kill(signal) }
}

/** Runs `node oracle/main.ts` until it ends by itself. */
export async function runToEnd(config: string | undefined): Promise<{ code: number; errors: string }> {
  const child = run(config)
  let errors = ''
  child.stderr?.on('data', (chunk) => {
    errors += chunk
  })
  const [code] = await once(child, 'close')
  return { code, errors }
}

function run(config: string | undefined, fault?: string): ChildProcess {
  const { TALLY_ORACLE_CONFIG: _config, TALLY_FAULT_POINT: _fault, ...env } = process.env
  return spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...env,
      ...(config === undefined ? {} : { TALLY_ORACLE_CONFIG: config }),
      ...(fault === undefined ? {} : { TALLY_FAULT_POINT: fault }),
    },
  })
}
