/**
 * What every step of a replay gets: the ledger so far, where it stands in the chain and where findings go.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import type { Contracts, SettlementEvent } from './events.ts'
import type { Findings } from './findings.ts'
import type { DiscrepancyKind } from './report.ts'
import type { BlockRecord, Source, TransactionRecord } from './source.ts'
import type { State } from './state.ts'

/** One call to a watched contract, as far as its input can be read. */
export type Call = { from: Address; input: Hex }

/** What the parts of one transaction owe each other; all of it must be settled when it ends. */
export type Open = {
  /** Token transfers that no event has explained yet. */
  transfers: Transfer[]
  /** Lane 0 money the chain credited at once, with the fees it took. */
  spot: { provider: number; amount: bigint; protocolFee: bigint; committeeFee: bigint }[]
  /** Stake reserved for deals (negative: freed), by provider, that the registry has not told yet. */
  bonds: Map<number, bigint>
  /** Money clawed back, by provider, that nothing has said yet what for. */
  clawed: Map<number, bigint>
}

/** One token transfer. */
export type Transfer = { token: Address; from: Address; to: Address; amount: bigint }

/** One transaction under replay. */
export type Replay = {
  state: State
  findings: Findings
  contracts: Contracts
  source: Source
  block: BlockRecord
  transaction: TransactionRecord
  /** Calls to the settlement in it: the top-level one, or what a tracing node tells; null where nobody tells. */
  calls: readonly Call[] | null
  open: Open
}

/** The arguments of one of the settlement's events. */
export type EventArgs<name extends SettlementEvent['eventName']> = Extract<
  SettlementEvent,
  { eventName: name; args: object }
>['args']

/** Nothing owed. */
export function createOpen(): Open {
  return { transfers: [], spot: [], bonds: new Map(), clawed: new Map() }
}

/** Writes down that the transaction under replay breaks a rule. */
export function report(replay: Replay, kind: DiscrepancyKind, detail: string, group?: number): void {
  const { findings, transaction, block } = replay
  const where = group === undefined ? {} : { group }
  findings.add({ kind, tx: transaction.hash, block: block.number, ...where, detail })
}

/** Reports unless `ours` and `theirs` are the same. */
export function expectSame(
  replay: Replay,
  kind: DiscrepancyKind,
  what: string,
  ours: bigint | number | string,
  theirs: bigint | number | string,
): boolean {
  const isSame = ours === theirs
  if (!isSame) report(replay, kind, `${what} is ${theirs} on chain, the rules give ${ours}`)
  return isSame
}

/** Remembers that the transaction under replay touched `thing`; a wrong value found there later means `kind`. */
export function touch(replay: Replay, thing: string, kind: DiscrepancyKind, group?: number): void {
  const where = group === undefined ? {} : { group }
  replay.findings.touch(thing, { tx: replay.transaction.hash, block: replay.block.number, kind, ...where })
}

/** Names of the things whose values are compared with the chain's views. */
export const thing = {
  account: (buyer: Address): string => `account ${buyer.toLowerCase()}`,
  deal: (id: number): string => `deal ${id}`,
  stream: (id: number, index: number): string => `stream ${id} ${index}`,
  earnings: (provider: number): string => `earnings ${provider}`,
  dealPage: (page: number): string => `page ${page}`,
  provider: (provider: number): string => `provider ${provider}`,
  worker: (index: number): string => `worker ${index}`,
  offer: (hash: Hex): string => `offer ${hash}`,
  offerNonce: (provider: Address): string => `offer-nonce ${provider.toLowerCase()}`,
  nets: (): string => 'nets',
  netBuyer: (buyer: Address): string => `net-buyer ${buyer.toLowerCase()}`,
  announced: (index: number): string => `announced ${index}`,
  memberBond: (signer: Address): string => `member-bond ${signer.toLowerCase()}`,
  readBonds: (epoch: number): string => `read-bonds ${epoch}`,
  interval: (interval: number): string => `interval ${interval}`,
  head: (): string => 'head',
} as const

/** Takes the transfer that an event announces; reports when the tokens did not move so. Nothing moves for zero. */
export function takeTransfer(replay: Replay, wanted: Transfer, what: string): void {
  if (wanted.amount === 0n) return
  const { transfers } = replay.open
  const at = transfers.findIndex(
    (one) =>
      one.token === wanted.token && one.from === wanted.from && one.to === wanted.to && one.amount === wanted.amount,
  )
  if (at >= 0) transfers.splice(at, 1)
  else report(replay, 'solvency', `${what}: no transfer of ${wanted.amount} from ${wanted.from} to ${wanted.to}`)
}

/** Notes that a deal reserves `amount` of its provider's stake, or frees it when negative. */
export function oweBond(replay: Replay, provider: number, amount: bigint): void {
  const { bonds } = replay.open
  bonds.set(provider, (bonds.get(provider) ?? 0n) + amount)
}
