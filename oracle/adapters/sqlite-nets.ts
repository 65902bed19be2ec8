/**
 * Facts of net mode in SQLite, each with the place on the chain it stands at.
 *
 * @module
 */
import { OracleError } from '../errors.ts'
import type { NetEvent, NetFact, NetStore } from '../ports.ts'
import { type Database, hex, integer, type Row, text } from './sqlite-database.ts'

/** Creates the store of net mode on an open database. */
export function createNetStore(database: Database): NetStore {
  return {
    after: (place, limit) =>
      database
        .all(
          'select * from net_events where (block_number, log_index) > (?, ?) order by block_number, log_index limit ?',
          place?.blockNumber ?? -1n,
          place?.logIndex ?? -1,
          limit,
        )
        .map(toEvent),

    has: ({ blockNumber, logIndex, blockHash }) =>
      database.one(
        'select 1 from net_events where block_number = ? and log_index = ? and block_hash = ?',
        blockNumber,
        logIndex,
        blockHash,
      ) !== null,
  }
}

/** Notes a fact that stands on the chain. */
export function noteNetEvent(database: Database, { blockNumber, logIndex, blockHash, fact }: NetEvent): void {
  database.run(
    'insert or replace into net_events (block_number, log_index, block_hash, fact) values (?, ?, ?, ?)',
    blockNumber,
    logIndex,
    blockHash,
    JSON.stringify(fact, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)),
  )
}

function toEvent(row: Row): NetEvent {
  return {
    blockNumber: BigInt(integer(row, 'block_number')),
    logIndex: integer(row, 'log_index'),
    blockHash: hex(row, 'block_hash'),
    fact: toFact(text(row, 'fact')),
  }
}

function toFact(json: string): NetFact {
  const fact: unknown = JSON.parse(json, (_, value) =>
    typeof value === 'string' && /^[0-9]+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  )
  if (isFact(fact)) return fact
  throw new OracleError('store.broken', 'column fact holds no fact of net mode')
}

/** Only this module writes the column: what has a kind is whole. */
function isFact(value: unknown): value is NetFact {
  return typeof value === 'object' && value !== null && 'kind' in value
}
