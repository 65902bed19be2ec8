/**
 * What others take for the same end state, as it was measured on their own contracts.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { ROOT } from '../support/run.ts'

const system = z.strictObject({
  name: z.string(),
  /** Name where there is little room. */
  short: z.string().optional(),
  /** Gas of all transactions. */
  gas: z.int().positive(),
  transactions: z.int().positive(),
  /** How the figure came about: run in full, run smaller and scaled, between two runs, or reckoned. */
  basis: z.enum(['measured', 'scaled', 'interpolated', 'estimated']),
  /** Whether every receipt costs, or every pair of buyer and provider however many receipts it has. */
  cost: z.enum(['receipt', 'pair']),
  /** Gas of a settlement of any number of pairs, and of one pair more; where pairs cost. */
  fixed: z.int().min(0).optional(),
  each: z.int().positive().optional(),
  /** What stands between a claim for pay and the pay. */
  checks: z.string(),
})

const peers = z.strictObject({
  /** The end state. */
  task: z.string(),
  /** Pairs of buyer and provider in it. */
  pairs: z.int().positive(),
  receipts: z.int().positive(),
  sources: z.array(z.strictObject({ name: z.string(), code: z.string(), version: z.string(), compiled: z.string() })),
  systems: z.array(system),
})

/** One way another system gets the task done. */
export type PeerSystem = z.output<typeof system>

/** The task and how others do it. */
export type Peers = z.output<typeof peers>

/** Reads `docs/data/peers.json`. @throws Error when it is not what it should be. */
export function readPeers(): Peers {
  return peers.parse(JSON.parse(readFileSync(join(ROOT, 'docs/data/peers.json'), 'utf8')))
}
