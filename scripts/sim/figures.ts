/**
 * Figures of the simulation, and the record of one run.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { ROOT } from '../support/run.ts'

const estimate = z.strictObject({
  /** Settlement token base units. */
  mean: z.number(),
  /** Half the width of the two-sided 99 % confidence interval. */
  margin: z.number(),
})

const strategy = z.strictObject({
  name: z.string(),
  plan: z.string(),
  /** Adversary's profit where an honest watcher sees it, and where nobody does. */
  detected: estimate,
  undetected: estimate,
  /** What the victims lose where a watcher sees it. */
  loss: estimate,
  /** Least detection probability from which on the profit is negative with 99 % confidence; null: there is none. */
  deterredFrom: z.number().nullable(),
  /** Expected profit by detection probability. */
  expected: z.array(z.strictObject({ p: z.number(), mean: z.number(), margin: z.number() })),
})

/** What one strategy came to. */
export type StrategyFigures = z.output<typeof strategy>

const variation = z.strictObject({
  /** What was changed, and to what. */
  change: z.string(),
  /** Least detection probability at which each strategy loses on average, by its name; null: there is none. */
  breakEven: z.record(z.string(), z.number().nullable()),
})

/** What a change of parameters does. */
export type VariationFigures = z.output<typeof variation>

const economicsRecord = z.strictObject({
  command: z.string(),
  versions: z.record(z.string(), z.string()),
  seed: z.int(),
  /** Episodes of each strategy with a watcher, and as many without. */
  episodes: z.int(),
  /** The same under each change. */
  variedEpisodes: z.int(),
  strategies: z.array(strategy),
  variations: z.array(variation),
})

/** One run of the simulation, as it is kept. */
export type EconomicsRecord = z.output<typeof economicsRecord>

/** Where the record stands, from the root. */
export const ECONOMICS_RECORD = 'docs/data/economics.json'

/** Reads the record. @throws Error when it is missing or not what the simulation writes. */
export function readEconomicsRecord(): EconomicsRecord {
  return economicsRecord.parse(JSON.parse(readFileSync(join(ROOT, ECONOMICS_RECORD), 'utf8')))
}
