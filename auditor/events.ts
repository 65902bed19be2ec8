/**
 * Logs of the watched contracts as typed events, in the order they were written.
 *
 * @module
 */
import { type Address, type DecodeEventLogReturnType, decodeEventLog, type Hex, parseAbi } from 'viem'

import { committeeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import type { LogRecord } from './source.ts'
import { addressKey } from './state.ts'

const tokenAbi = parseAbi(['event Transfer(address indexed from, address indexed to, uint256 value)'])
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'

/** The contracts one audit looks at; lower case. */
export type Contracts = {
  settlement: Address
  registry: Address
  committee: Address
  token: Address
  /** Null where the registry does not tell it. */
  stakeToken: Address | null
}

/** Events of each contract; `event` is told apart by `eventName`. */
export type SettlementEvent = DecodeEventLogReturnType<typeof settlementAbi>
export type RegistryEvent = DecodeEventLogReturnType<typeof registryAbi>
export type CommitteeEvent = DecodeEventLogReturnType<typeof committeeAbi>

/** One event of a transaction; `unreadable` is a log of ours that no event of ours explains. */
export type ChainEvent =
  | { source: 'settlement'; index: number; event: SettlementEvent }
  | { source: 'registry'; index: number; event: RegistryEvent }
  | { source: 'committee'; index: number; event: CommitteeEvent }
  | { source: 'transfer'; index: number; token: Address; from: Address; to: Address; amount: bigint }
  | { source: 'unreadable'; index: number; address: Address; topic: Hex | undefined }

function readTransfer(log: LogRecord, topics: [Hex, ...Hex[]]): ChainEvent {
  const { args } = decodeEventLog({ abi: tokenAbi, topics, data: log.data, strict: true })
  return {
    source: 'transfer',
    index: log.index,
    token: addressKey(log.address),
    from: addressKey(args.from),
    to: addressKey(args.to),
    amount: args.value,
  }
}

function readOwn(log: LogRecord, contracts: Contracts, topics: [Hex, ...Hex[]]): ChainEvent {
  const { index, data } = log
  switch (addressKey(log.address)) {
    case contracts.settlement:
      return { source: 'settlement', index, event: decodeEventLog({ abi: settlementAbi, topics, data, strict: true }) }
    case contracts.registry:
      return { source: 'registry', index, event: decodeEventLog({ abi: registryAbi, topics, data, strict: true }) }
    default:
      return { source: 'committee', index, event: decodeEventLog({ abi: committeeAbi, topics, data, strict: true }) }
  }
}

/** Whether the log is a token's and no transfer: approvals and the like move nothing. */
function isTokenNoise(log: LogRecord, contracts: Contracts): boolean {
  const address = addressKey(log.address)
  const isToken = address === contracts.token || address === contracts.stakeToken
  return isToken && log.topics[0] !== TRANSFER
}

/** Typed events of one transaction's logs; a log that cannot be read is an event of its own. */
export function readEvents(logs: readonly LogRecord[], contracts: Contracts): ChainEvent[] {
  const events: ChainEvent[] = []
  for (const log of logs) {
    if (isTokenNoise(log, contracts)) continue
    const [first, ...rest] = log.topics
    const address = addressKey(log.address)
    try {
      if (first === undefined) throw new Error('an anonymous log')
      const topics: [Hex, ...Hex[]] = [first, ...rest]
      const isToken = address === contracts.token || address === contracts.stakeToken
      events.push(isToken ? readTransfer(log, topics) : readOwn(log, contracts, topics))
    } catch {
      // the caller reports it: a log nobody can read may hide a movement of money
      events.push({ source: 'unreadable', index: log.index, address, topic: first })
    }
  }
  return events
}
