/**
 * A chain for long fuzz runs: anvil, because it executes a call with tens of thousands of batches in seconds and lets a
 * call carry blobs.
 *
 * @module
 */
import { globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { type Address, type Hex, numberToHex } from 'viem'

import { rpcOf } from '../../support/cluster-chain.ts'
import { lastingPorts } from '../../support/cluster-ports.ts'
import { createProcesses } from '../../support/cluster-processes.ts'
import type { Rpc } from '../../support/rpc.ts'

const ROOT = join(import.meta.dirname, '../../..')
const START_MS = 60_000
const CALL_GAS = 2 ** 40

/** A running chain whose calls have no cap of gas. */
export type FuzzChain = {
  readonly rpc: Rpc
  /** Answer of a call; @throws Error when it reverts. */
  call(options: { from: Address; to: Address; data: Hex; blobs?: readonly Hex[] }): Promise<Hex>
  end(): Promise<void>
}

/** Starts anvil with the rules of Osaka, but for the cap of a transaction's gas. */
export async function startFuzzChain(): Promise<FuzzChain> {
  const [binary] = globSync('node_modules/@foundry-rs/anvil-*/bin/anvil{,.exe}', { cwd: ROOT })
  if (binary === undefined) throw new Error('anvil is not installed here')
  const folder = mkdtempSync(join(tmpdir(), 'tally-fuzz-'))
  const processes = createProcesses(folder)
  const [port = 0] = await lastingPorts(1)
  const args = ['--silent', '--host', '127.0.0.1', '--port', `${port}`, '--hardfork', 'osaka'].concat([
    '--disable-block-gas-limit',
    '--no-request-size-limit',
  ])
  processes.supervise({ name: 'anvil', command: join(ROOT, binary), args })
  const rpc = rpcOf(`http://127.0.0.1:${port}`)
  const until = performance.now() + START_MS
  while ((await rpc.request({ method: 'eth_chainId' }).catch(() => null)) === null) {
    processes.check()
    if (performance.now() > until) throw new Error('the chain did not start')
    await sleep(50)
  }

  return {
    rpc,
    async call({ from, to, data, blobs = [] }) {
      const carried = blobs.length === 0 ? {} : { blobVersionedHashes: blobs, maxFeePerBlobGas: '0x1' }
      const request = { from, to, data, gas: numberToHex(CALL_GAS), ...carried }
      return (await rpc.request({ method: 'eth_call', params: [request, 'latest'] })) as Hex
    },
    async end() {
      await processes.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
