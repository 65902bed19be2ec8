/**
 * `npm run demo:faults`: cheats, each played on a fresh local chain with the real contracts, a committee of real members
 * and a real watcher, and what came of them. Somebody takes more than is theirs; the watcher finds out from the chain and
 * from what nodes publish, and proves it with its own key; stake is slashed, money goes back.
 *
 * With `--json` the last line on standard output is the outcome for machines. `--only` names cheats, with commas between.
 * `--state` names another folder than `.tally` for keys, stores and logs. Exit code 0 only if no cheater gained and no
 * buyer lost anything.
 *
 * @module
 */
import { parseArgs } from 'node:util'

import { CHEATS } from './faults/cheats.ts'
import { playAll } from './faults/play.ts'
import { renderOutcomes, toJson } from './faults/show.ts'
import { startWorld } from './faults/world.ts'
import { claimPlace } from './network/place.ts'

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, state: { type: 'string' }, only: { type: 'string' } },
})
const startedMs = performance.now()
const out = values.json ? process.stderr : process.stdout
const say = (line: string): void => {
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(0).padStart(4)
  out.write(`${seconds}s  ${line}\n`)
}

async function main(): Promise<number> {
  const names = values.only?.split(',')
  const cheats = CHEATS.filter(({ name }) => names === undefined || names.includes(name))
  if (cheats.length === 0) throw new Error(`there are ${CHEATS.map(({ name }) => name).join(', ')}`)
  const place = claimPlace(values.state)
  try {
    const world = await startWorld({ ...place, say })
    try {
      const outcomes = await playAll(world, cheats)
      out.write(`\n${renderOutcomes(outcomes)}\n`)
      if (values.json) process.stdout.write(`${toJson(outcomes)}\n`)
      const isFair = outcomes.every(({ cheaterProfit, buyerLoss }) => cheaterProfit <= 0n && buyerLoss <= 0n)
      out.write(isFair ? '\nno cheater gained, no buyer lost\n' : '\nNOT FAIR\n')
      return isFair ? 0 : 1
    } finally {
      await world.children.stopAll()
      await world.noticeboard.close()
    }
  } finally {
    place.release()
  }
}

let code = 1
const interrupted = new Promise<number>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(130))
})
try {
  code = await Promise.race([main(), interrupted])
} catch (error) {
  console.error(error)
}
process.exit(code)
