/**
 * Every figure of the gas bench, and the record of one run that the documentation is written from.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { z } from 'zod'

import { ROOT } from '../support/run.ts'

const whole = z.int().min(0)
const perReceipt = z.number().min(0)

const figures = z.strictObject({
  /** All transactions of the measured batch: not the streams' first, nor the day's; deals and workers are packed. */
  gas: whole,
  gasPerReceipt: perReceipt,
  /** Bytes of the transactions' input, per receipt; blobs are not input. */
  bytesPerReceipt: perReceipt,
  txs: whole,
  /** Least gas any transactions with this input use (EIP-7623 and its successor), measured; of all transactions. */
  calldataFloor: whole,
  /** Gas of the transactions' blobs, 131,072 each: its price is another one than execution's. */
  blobGas: whole,
  /** Gas per receipt of the streams' first batch, before anything was packed. */
  firstTime: perReceipt,
  /** Gas per receipt of the first batch of a day, which brings every provider's earnings up to date. */
  dayFirst: perReceipt,
  /** `gasPerReceipt` where nothing is packed and no two streams of the batch share state and ids lie far apart. */
  sparse: perReceipt,
})

/** Figures of one workload in one mode; gas is of whole transactions. */
export type Figures = z.output<typeof figures>

const modes = z.strictObject({ calldata: figures, blob: figures.nullable(), net: figures.nullable() })

/** Figures of one workload by mode; null where a client or the code does not have the mode. */
export type Modes = z.output<typeof modes>

const operations = z.strictObject({
  /** A buyer's first and second deposit with a permit. */
  depositPermitFirst: whole,
  depositPermitRepeat: whole,
  /** Deposit with a permit and opening in one, in steady state: known buyer, an offer taken before, a recycled id. */
  openDealPermit: whole,
  /** The same under an id that no deal had before. */
  openDealFreshId: whole,
  /** Permit, stake and one worker. */
  join: whole,
  /** A worker more, from 20 to 40 in the joining page. */
  perExtraWorker: whole,
  /** A provider's second claim, on a day on which work of its was settled; and after days without any: it rolls the wheel. */
  claim: whole,
  claimRolling: whole,
  /** Its first claim, after days without work: it had no tokens, and nobody had fees. */
  claimFirst: whole,
  /** Thaw and withdrawal of the stake, two transactions. */
  leave: whole,
  /** What checking five of seven members' signatures adds to a batch, their bytes included. */
  attestation5of7: whole,
  /** A deal's share of packing 100 of them, and a worker's of packing 200. */
  packDeal: whole,
  packWorker: whole,
  /** Proving one receipt of a settled batch of 200 groups of five, which every challenge of a receipt begins with. */
  challenge: whole.nullable(),
  /** A stream's second forced batch of 1 or 100 receipts, its deal packed, sent by a stranger with the worker's signature. */
  forced1: whole,
  /** A stream's first batch of 1 receipt, forced, nothing packed. */
  forced1First: whole,
  forced100: whole,
})

/** Gas of single acts, whole transactions unless a figure is a difference. */
export type Operations = z.output<typeof operations>

const clientFigures = z.strictObject({ W: modes, W10: modes, W1: modes, ops: operations })

/** Everything measured on one client. */
export type ClientFigures = z.output<typeof clientFigures>

const benchResult = z.strictObject({
  osaka: z.strictObject({ edr: clientFigures, anvil: clientFigures }),
  amsterdam: z.strictObject({ edr: clientFigures, anvil: z.null() }),
})

/** Everything measured; null where a client does not run a fork. */
export type BenchResult = z.output<typeof benchResult>

const gasRecord = z.strictObject({
  /** What makes it again. */
  command: z.string(),
  /** Versions of what it was measured with. */
  versions: z.record(z.string(), z.string()),
  result: benchResult,
})

/** One run of the bench, as it is kept. */
export type GasRecord = z.output<typeof gasRecord>

/** Where the record stands, from the root. */
export const GAS_RECORD = 'docs/data/gas.json'

/** Reads the record. @throws Error when it is missing or not what this bench writes. */
export function readGasRecord(): GasRecord {
  return gasRecord.parse(JSON.parse(readFileSync(join(ROOT, GAS_RECORD), 'utf8')))
}
