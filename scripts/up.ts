/**
 * `npm run up`: the local network in the foreground until Ctrl-C, described in `.tally/network.json`. `--state` names
 * another folder than `.tally`.
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { startLocalNetwork, writeNetworkFile } from './network/local-network.ts'
import { publishOffers } from './network/market.ts'
import { claimPlace, type Place } from './network/place.ts'

const LOOK_MS = 500

const { values } = parseArgs({ options: { state: { type: 'string' } } })
const controller = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort(new Error(signal)))
const say = (line: string) => console.error(line)

async function stayUp(place: Place, signal: AbortSignal): Promise<void> {
  const network = await startLocalNetwork({ ...place, say, signal })
  try {
    await publishOffers(network)
    await writeNetworkFile(place.file, network, place.folder)
    say(`chain ${network.rpcUrl}, settlement ${network.deployment.settlement}`)
    for (const { name, url } of [...network.members, ...network.workers]) say(`${name} ${url}`)
    say(`described in ${place.file}; Ctrl-C ends everything`)
    while (!signal.aborted && network.failure() === null) await sleep(LOOK_MS, undefined, { signal }).catch(() => {})
    const failure = network.failure()
    if (failure !== null && !signal.aborted) throw new Error(failure)
  } finally {
    await network.stop()
  }
}

async function main(): Promise<number> {
  const { signal } = controller
  try {
    const place = claimPlace(values.state)
    try {
      await stayUp(place, signal)
    } finally {
      place.release()
    }
  } catch (error) {
    // whatever fails because everything is being ended is no failure
    if (!signal.aborted) {
      say(error instanceof Error ? error.message : String(error))
      return 1
    }
  }
  return 0
}

process.exit(await main())
