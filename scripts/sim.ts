/**
 * `npm run sim -- [--json] [--record] [--seed N] [--episodes N] [--only NAME]`: adversaries against the deployed contracts.
 * Each strategy is played many times with an honest watcher and as often without one; from both follows its expected profit
 * for every probability of being seen. It fails where a strategy pays under the default parameters although it is seen.
 *
 * @module
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { versionsOf } from './bench/versions.ts'
import { strategiesTable, variationsTable } from './docs/economics-tables.ts'
import { type Market, openMarket, type Setting } from './sim/episodes.ts'
import { ECONOMICS_RECORD, type EconomicsRecord, type StrategyFigures, type VariationFigures } from './sim/figures.ts'
import { breakEven, deterredFrom, estimate, expectedAt, type Outcomes } from './sim/statistics.ts'
import { STRATEGIES } from './sim/strategies.ts'
import type { Strategy } from './sim/strategy.ts'
import { VARIATIONS } from './sim/variations.ts'
import { ROOT } from './support/run.ts'

const HELP = `npm run sim -- [--json] [--record] [--seed N] [--episodes N] [--only NAME]

  --json        the last line is {strategies, variations}
  --record      writes ${ECONOMICS_RECORD}, from which npm run generate takes the documentation's figures
  --seed N      sizes of what is at stake; 1 if left out
  --episodes N  of each strategy, with a watcher and without; 20 if left out, at least 2
  --only NAME   one strategy, no other parameters`

/** Probabilities of being seen, 0.1 % to 100 %. */
const PROBABILITIES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1] as const

/** Episodes under each change, of the same draws under all of them. */
const VARIED_EPISODES = 2

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    episodes: { type: 'string', default: '20' },
    only: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

type Sample = { readonly outcomes: Outcomes; readonly losses: readonly number[] }

async function sample(market: Market, strategy: Strategy, episodes: number): Promise<Sample> {
  const { detected, undetected } = await market.play(strategy, episodes)
  const profits = (results: readonly { readonly profit: bigint }[]): number[] =>
    results.map(({ profit }) => Number(profit))
  return {
    outcomes: { detected: profits(detected), undetected: profits(undetected) },
    losses: detected.map(({ loss }) => Number(loss)),
  }
}

/** Has every strategy played in one market. */
async function inMarket<Figure>(
  setting: Setting,
  strategies: readonly Strategy[],
  figure: (market: Market, strategy: Strategy) => Promise<Figure>,
): Promise<Figure[]> {
  const market = await openMarket(setting)
  try {
    const figures: Figure[] = []
    for (const strategy of strategies) figures.push(await figure(market, strategy))
    return figures
  } finally {
    await market.close()
  }
}

async function judge(strategies: readonly Strategy[], seed: number, episodes: number): Promise<StrategyFigures[]> {
  return await inMarket({ seed, change: {} }, strategies, async (market, strategy) => {
    console.error(strategy.name)
    const { outcomes, losses } = await sample(market, strategy, episodes)
    return {
      name: strategy.name,
      plan: strategy.plan,
      detected: estimate(outcomes.detected),
      undetected: estimate(outcomes.undetected),
      loss: estimate(losses),
      deterredFrom: deterredFrom(outcomes),
      expected: PROBABILITIES.map((p) => ({ p, ...expectedAt(p, outcomes) })),
    }
  })
}

async function vary(strategies: readonly Strategy[], seed: number): Promise<VariationFigures[]> {
  const figures: VariationFigures[] = []
  for (const variation of VARIATIONS) {
    const { change } = variation
    console.error(change)
    const all = await inMarket({ seed, change: variation }, strategies, async (market, strategy) => {
      const { outcomes } = await sample(market, strategy, VARIED_EPISODES)
      return [strategy.name, breakEven(outcomes)] as const
    })
    figures.push({ change, breakEven: Object.fromEntries(all) })
  }
  return figures
}

async function main(seed: number, episodes: number): Promise<void> {
  const chosen = STRATEGIES.filter(({ name }) => values.only === undefined || name === values.only)
  if (chosen.length === 0) throw new RangeError(`no strategy is called ${values.only}`)
  const strategies = await judge(chosen, seed, episodes)
  const variations = values.only === undefined ? await vary(chosen, seed) : []
  const versions = versionsOf('hardhat', '@nomicfoundation/edr', 'solc')
  const how = { command: 'npm run sim', versions, seed, episodes, variedEpisodes: VARIED_EPISODES }
  const record: EconomicsRecord = { ...how, strategies, variations }
  if (values.record) writeFileSync(join(ROOT, ECONOMICS_RECORD), `${JSON.stringify(record, null, 2)}\n`)
  console.log(
    values.json ? JSON.stringify({ strategies, variations }) : `${strategiesTable(record)}\n${variationsTable(record)}`,
  )
  const paying = strategies.filter(({ detected: { mean, margin } }) => mean + margin >= 0)
  if (paying.length > 0) throw new Error(`pays although it is seen: ${paying.map(({ name }) => name).join(', ')}`)
}

const [seed, episodes] = [Number(values.seed), Number(values.episodes)]
if (values.help) {
  console.log(HELP)
} else if (!Number.isSafeInteger(seed) || seed < 0 || !Number.isSafeInteger(episodes) || episodes < 2) {
  console.error(
    `--seed takes a whole number and --episodes one of 2 or more, not ${values.seed} and ${values.episodes}`,
  )
  process.exitCode = 2
} else {
  try {
    await main(seed, episodes)
  } catch (error) {
    console.error(error instanceof Error ? (error.stack ?? error.message).slice(0, 2_000) : error)
    process.exitCode = 1
  }
}
