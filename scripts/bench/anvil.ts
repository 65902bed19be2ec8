/**
 * Anvil as a child process on a free port.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { ROOT } from '../support/run.ts'

const READY_TIMEOUT_MS = 20_000
const POLL_MS = 50

/** A running node. */
export type Anvil = {
  readonly url: string
  /** Ends the process and waits for it. */
  stop(): Promise<void>
}

/**
 * Starts anvil with the rules of `hardfork`, the gas cap of a transaction among them.
 *
 * @throws Error when its binary is not installed for this platform or it does not answer in 20 s.
 */
export async function startAnvil(hardfork: string, startTime: number): Promise<Anvil> {
  // the platform's binary itself: the package's own script is a wrapper, and killing that would leave the node behind
  const [binary] = globSync('node_modules/@foundry-rs/anvil-*/bin/anvil{,.exe}', { cwd: ROOT })
  if (binary === undefined) throw new Error('anvil is not installed for this platform')
  const port = await freePort()
  const child = spawn(
    join(ROOT, binary),
    ['--silent', '--host', '127.0.0.1', '--port', `${port}`, '--hardfork', hardfork, '--enable-tx-gas-limit'].concat([
      '--chain-id',
      '31337',
      '--timestamp',
      `${startTime}`,
    ]),
    { stdio: 'ignore' },
  )
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  const url = `http://127.0.0.1:${port}`
  try {
    await untilReady(url, child)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, stop }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const request = { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] }
  const until = performance.now() + READY_TIMEOUT_MS
  while (performance.now() < until && child.exitCode === null) {
    try {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(request) })
      if (response.ok) return
    } catch {
      await delay(POLL_MS) // not listening yet
    }
  }
  throw new Error('anvil did not start')
}
