/**
 * `npm run up`: the local network in the foreground until Ctrl-C, described in `.tally/network.json`.
 *
 * @module
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { STATE_FOLDER, startLocalNetwork, writeNetworkFile } from './network/local-network.ts'
import { publishOffers } from './network/market.ts'
import { claimFolder } from './network/run-lock.ts'

const controller = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort(new Error(signal)))

const folder = join(STATE_FOLDER, 'network')
const file = join(STATE_FOLDER, 'network.json')
const release = claimFolder(STATE_FOLDER)
const say = (line: string) => console.error(line)
try {
  const { signal } = controller
  const network = await startLocalNetwork({ folder, deploymentId: 'local', say, signal })
  try {
    await publishOffers(network)
    await writeNetworkFile(file, network, folder)
    say(`chain ${network.rpcUrl}, settlement ${network.deployment.settlement}`)
    for (const { name, url } of [...network.members, ...network.workers]) say(`${name} ${url}`)
    say(`described in ${file}; Ctrl-C ends everything`)
    while (!signal.aborted && network.failure() === null) await sleep(500, undefined, { signal }).catch(() => {})
    const failure = network.failure()
    if (failure !== null && !signal.aborted) throw new Error(failure)
  } finally {
    await network.stop()
  }
} catch (error) {
  if (!controller.signal.aborted) {
    say(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
} finally {
  await rm(file, { force: true })
  release()
}
process.exit()
