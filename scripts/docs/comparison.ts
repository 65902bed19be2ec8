/**
 * The comparison's tables: our figures from the record of the gas bench beside what others take.
 *
 * @module
 */
import type { ClientFigures, Figures, GasRecord, Operations } from '../bench/figures.ts'
import { shown, tableOf } from './pages.ts'
import type { PeerSystem, Peers } from './peers.ts'

/** Providers of the workload, each paid out once. */
const PROVIDERS = 50
/** Receipts of the workload. */
const W = 1_000
const MODES = ['calldata', 'blob', 'net'] as const

/** Our way to the end state: what settling and paying out everybody takes. */
type Own = { readonly name: string; readonly gas: number; readonly blobGas: number; readonly transactions: number }

function ownWays(fork: string, client: ClientFigures): Own[] {
  return MODES.flatMap((mode) => {
    const figures: Figures | null = client.W[mode]
    if (figures === null) return []
    const gas = figures.gas + PROVIDERS * client.ops.claimRolling
    return [
      { name: `Tallystick, ${mode}, ${fork}`, gas, blobGas: figures.blobGas, transactions: figures.txs + PROVIDERS },
    ]
  })
}

/** Gas per receipt of the dearest of our ways on today's fork, payouts included: what others are measured by. */
function yardstick({ result }: GasRecord, receipts: number): number {
  return (result.osaka.edr.W.calldata.gas + PROVIDERS * result.osaka.edr.ops.claimRolling) / receipts
}

/** Everybody's cost of the end state, ours first. */
export function comparisonTable(record: GasRecord, { receipts, systems }: Peers): string {
  const unit = yardstick(record, receipts)
  const { osaka, amsterdam } = record.result
  const own = [...ownWays('Osaka', osaka.edr), ...ownWays('Amsterdam', amsterdam.edr)]
  const times = (gas: number) => `${shown(gas / receipts / unit, gas / receipts / unit < 10 ? 1 : 0)}`
  return tableOf([
    ['way', 'gas per receipt', 'blob gas per receipt', 'transactions', 'times ours in calldata', 'basis'],
    ...own.map(({ name, gas, blobGas, transactions }) => [
      `**${name}**`,
      ...[shown(gas / receipts), shown(blobGas / receipts), shown(transactions), times(gas), 'measured'],
    ]),
    ...systems
      .toSorted((a, b) => a.gas - b.gas)
      .map(({ name, gas, transactions, basis }) => [
        name,
        ...[shown(gas / receipts), '0', shown(transactions), times(gas), basis],
      ]),
  ])
}

/** What ours costs without paying out, what a payout adds, and what all of it takes at first. */
export function partsTable({ result }: GasRecord): string {
  const { osaka: now, amsterdam: next } = result
  const row = (name: string, gas: (figures: Figures) => number, mode: (typeof MODES)[number]) => {
    const [today, later] = [now.edr.W[mode], next.edr.W[mode]]
    return [`${name}, ${mode}`, shown(today === null ? null : gas(today)), shown(later === null ? null : gas(later))]
  }
  const rows = [
    ...MODES.map((mode) => row('settling 1,000 receipts', ({ gas }) => gas, mode)),
    ...MODES.map((mode) => row('the streams’ first 1,000, nothing packed', ({ firstTime }) => firstTime * W, mode)),
  ]
  const [osaka, amsterdam] = [result.osaka.edr.ops, result.amsterdam.edr.ops]
  return tableOf([
    ['part', 'gas, Osaka', 'gas, Amsterdam'],
    ...rows,
    ['packing 100 deals and 200 workers, once', shown(packing(osaka)), shown(packing(amsterdam))],
    ['50 payouts', shown(PROVIDERS * osaka.claimRolling), shown(PROVIDERS * amsterdam.claimRolling)],
    ['50 first payouts', shown(PROVIDERS * osaka.claimFirst), shown(PROVIDERS * amsterdam.claimFirst)],
  ])
}

function packing({ packDeal, packWorker }: Operations): number {
  return 100 * packDeal + 200 * packWorker
}

/** What each of the others checks before it pays. */
export function checksTable({ systems }: Peers): string {
  return tableOf([['system', 'stands between a claim and its pay'], ...systems.map((one) => [one.name, one.checks])], 2)
}

/** Versions the others were measured at. */
export function sourcesTable({ sources }: Peers): string {
  const rows = sources.map(({ name, code, version, compiled }) => [name, code, version, compiled])
  return tableOf([['system', 'code', 'version', 'compiled with'], ...rows], 4)
}

/** Gas per receipt of systems that pay a pair's sum at once, by receipts of a pair; ours from the same streams. */
export function pairsTable({ result }: GasRecord, { pairs, receipts, systems }: Peers): string {
  const { W, W10, ops } = result.osaka.edr
  const perPair = [receipts / pairs, (10 * receipts) / pairs]
  const own = MODES.flatMap((mode) => {
    const [few, many] = [W[mode], W10[mode]]
    if (few === null || many === null) return []
    const paid = PROVIDERS * ops.claimRolling
    return [
      [
        `**Tallystick, ${mode}**`,
        ...[few.gas + paid, many.gas + paid].map((gas, index) => shown(gas / receipts / 10 ** index)),
      ],
    ]
  })
  const theirs = systems
    .filter(({ cost }) => cost === 'pair')
    .toSorted((a, b) => a.gas - b.gas)
    .map((one) => [one.name, ...perPair.map((each) => shown(pairGas(one, pairs) / pairs / each))])
  return tableOf([['way', ...perPair.map((each) => `${shown(each)} receipts a pair`)], ...own, ...theirs])
}

/** Gas of settling `pairs` pairs once. */
export function pairGas({ fixed = 0, each = 0 }: PeerSystem, pairs: number): number {
  return fixed + each * pairs
}
