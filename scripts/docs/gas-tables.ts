/**
 * Tables of the gas bench's record.
 *
 * @module
 */
import type { ClientFigures, Figures, GasRecord } from '../bench/figures.ts'
import { shown, tableOf } from './pages.ts'

const WORKLOADS = ['W', 'W10', 'W1'] as const
const MODES = ['calldata', 'blob', 'net'] as const

/** Gas per receipt of every workload and mode that exists, both forks. */
export function settlingTable({ result }: GasRecord): string {
  const forks: readonly (readonly [string, ClientFigures])[] = [
    ['Osaka', result.osaka.edr],
    ['Amsterdam', result.amsterdam.edr],
  ]
  const rows = WORKLOADS.flatMap((workload) =>
    MODES.flatMap((mode) =>
      forks.flatMap(([fork, client]) => {
        const figures = client[workload][mode]
        return figures === null ? [] : [rowOf(`${workload}, ${mode}, ${fork}`, figures, receiptsOf(workload))]
      }),
    ),
  )
  const head = ['workload, mode, fork', 'gas', 'blob gas', 'bytes', 'first time', 'day first', 'sparse', 'txs']
  return tableOf([head, ...rows])
}

function rowOf(name: string, figures: Figures, receipts: number): string[] {
  const { gasPerReceipt, blobGas, bytesPerReceipt, firstTime, dayFirst, sparse, txs } = figures
  return [
    name,
    ...[shown(gasPerReceipt), shown(blobGas / receipts), shown(bytesPerReceipt, 1)],
    ...[shown(firstTime), shown(dayFirst), shown(sparse), shown(txs)],
  ]
}

function receiptsOf(workload: (typeof WORKLOADS)[number]): number {
  return workload === 'W10' ? 10_000 : 1_000
}

/** Gas of single acts, both forks. */
export function actsTable({ result }: GasRecord): string {
  const [osaka, amsterdam] = [result.osaka.edr.ops, result.amsterdam.edr.ops]
  const acts: readonly (readonly [string, number | null, number | null])[] = [
    ['first deposit with permit', osaka.depositPermitFirst, amsterdam.depositPermitFirst],
    ['further deposit with permit', osaka.depositPermitRepeat, amsterdam.depositPermitRepeat],
    ['deposit and open a deal with permit', osaka.openDealPermit, amsterdam.openDealPermit],
    ['the same, under an id of its own', osaka.openDealFreshId, amsterdam.openDealFreshId],
    ['join with permit, stake and a worker', osaka.join, amsterdam.join],
    ['a further worker', osaka.perExtraWorker, amsterdam.perExtraWorker],
    ['claim on a day of work', osaka.claim, amsterdam.claim],
    ['claim after days without', osaka.claimRolling, amsterdam.claimRolling],
    ['first claim', osaka.claimFirst, amsterdam.claimFirst],
    ['leave, two transactions', osaka.leave, amsterdam.leave],
    ['5-of-7 attestation, within a batch', osaka.attestation5of7, amsterdam.attestation5of7],
    ['force 1 receipt', osaka.forced1, amsterdam.forced1],
    ['force 1 receipt, the stream’s first', osaka.forced1First, amsterdam.forced1First],
    ['force 100 receipts', osaka.forced100, amsterdam.forced100],
    ['prove a settled receipt', osaka.challenge, amsterdam.challenge],
    ['pack a deal, of 100', osaka.packDeal, amsterdam.packDeal],
    ['pack a worker, of 200', osaka.packWorker, amsterdam.packWorker],
  ]
  const rows = acts.flatMap(([act, now, next]) => (now === null ? [] : [[act, shown(now), shown(next)]]))
  return tableOf([['act', 'gas, Osaka', 'gas, Amsterdam'], ...rows])
}

/** What a record was made with. */
export function versionsLine({ command, versions }: Pick<GasRecord, 'command' | 'versions'>): string {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `Measured by \`${command}\` with ${list.join(', ')}.`
}
