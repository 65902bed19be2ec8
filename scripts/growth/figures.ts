/**
 * Figures of the growth bench, and the record of one run.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { ROOT } from '../support/run.ts'

const whole = z.int().min(0)

const settled = z.strictObject({
  /** Gas per receipt, all transactions. */
  gasPerReceipt: z.number(),
  /** Blob gas per receipt. */
  blobGasPerReceipt: z.number(),
  txs: whole,
  /** Most gas of one transaction, and most bytes of one's input. */
  mostGas: whole,
  mostBytes: whole,
})

/** What settling took on the chain. */
export type Settled = z.output<typeof settled>

const size = z.strictObject({ receipts: whole, groups: whole, calldata: settled, blob: settled, net: settled })

/** One size of workload. */
export type Size = z.output<typeof size>

const building = z.strictObject({
  receipts: whole,
  groups: whole,
  batches: whole,
  /** Wall time of planning and encoding all batches, milliseconds. */
  planMs: z.number(),
  encodeMs: z.number(),
  /** Heap in use at the end above the candidates themselves, bytes, before anything was collected. */
  heapBytes: whole,
})

/** What a member's batch builder took. */
export type Building = z.output<typeof building>

const crowd = z.strictObject({
  /** Providers and deals in the ledger, those that settle among them. */
  providers: whole,
  deals: whole,
  /** How the others came in. */
  by: z.enum(['nobody else', 'transactions', 'words']),
  calldata: z.number(),
  blob: z.number(),
  net: z.number(),
})

/** Gas per receipt of the same workload among many others. */
export type Crowd = z.output<typeof crowd>

const growthRecord = z.strictObject({
  command: z.string(),
  versions: z.record(z.string(), z.string()),
  sizes: z.array(size),
  building: z.array(building),
  crowds: z.array(crowd),
})

/** One run of the bench, as it is kept. */
export type GrowthRecord = z.output<typeof growthRecord>

/** Where the record stands, from the root. */
export const GROWTH_RECORD = 'docs/data/growth.json'

/** Reads the record. @throws Error when it is missing or not what this bench writes. */
export function readGrowthRecord(): GrowthRecord {
  return growthRecord.parse(JSON.parse(readFileSync(join(ROOT, GROWTH_RECORD), 'utf8')))
}
