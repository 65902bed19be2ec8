/**
 * The few figures that stand in sentences and on the first page, from the gas bench's record.
 *
 * @module
 */
import type { GasRecord } from '../bench/figures.ts'
import { shown, tableOf } from './pages.ts'

const ROWS = [
  ['W10', 'calldata'],
  ['W10', 'blob'],
  ['W10', 'net'],
  ['W', 'calldata'],
  ['W', 'blob'],
  ['W', 'net'],
  ['W1', 'calldata'],
] as const
const RECEIPTS = { W: 1_000, W10: 10_000, W1: 1_000 } as const

/** Gas per receipt on both forks, and blob gas. */
export function readmeSettling({ result: { osaka, amsterdam } }: GasRecord): string {
  const rows = ROWS.map(([workload, mode]) => {
    const [now, next] = [osaka.edr[workload][mode], amsterdam.edr[workload][mode]]
    const blobGas = now === null ? null : now.blobGas / RECEIPTS[workload]
    return [
      `${workload}, ${mode}`,
      shown(now?.gasPerReceipt ?? null),
      shown(next?.gasPerReceipt ?? null),
      shown(blobGas),
    ]
  })
  return tableOf([['gas per receipt', 'Osaka', 'Amsterdam', 'blob gas'], ...rows])
}

/** Single acts on today's fork, in a sentence. */
export function readmeActs({ result }: GasRecord): string {
  const { ops, W10 } = result.osaka.edr
  const acts = [
    ['deposit with permit', ops.depositPermitRepeat],
    ['deposit and open a deal with permit', ops.openDealPermit],
    ['join with permit, stake and a worker', ops.join],
    ['a further worker', ops.perExtraWorker],
    ['force one receipt', ops.forced1],
    ['claim on a day of work', ops.claim],
  ] as const
  const list = acts.map(([act, gas]) => `${act} ${thousands(gas)}`).join(', ')
  return `A receipt takes ${shown(W10.calldata.bytesPerReceipt)} bytes of W10's calldata. One act, Osaka: ${list}.`
}

/** What net batches take. */
export function netGas({ result }: GasRecord): string {
  const { W, W10 } = result.osaka.edr
  return `1,000 receipts in 200 streams of 100 deals of 50 providers and 20 buyers take ${shown(W.net?.gas ?? null)} gas in all, attestation of
5 members included; 10,000 receipts in the same streams ${shown(W10.net?.gas ?? null)} (blobs are paid for apart).`
}

function thousands(gas: number): string {
  return `${shown(gas / 1_000, gas < 10_000 ? 1 : 0)}k`
}
