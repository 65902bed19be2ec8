/**
 * What was read from blocks, in SQLite, each row with the block it stands on.
 *
 * @module
 */
import type { ChainBlock } from '#runtime/chain-follower.ts'
import type { BlockStore, ChainLogs, OpenedDeal, PackedWorkers, SettledBatch } from '../ports.ts'
import { noteOnChain } from './sqlite-blobs.ts'
import { type Database, hex, integer } from './sqlite-database.ts'
import { noteNetEvent } from './sqlite-nets.ts'

/** Block hashes kept; as many as the follower's window. */
const KEPT_BLOCKS = 128

/** Creates the blocks' store on an open database. */
export function createBlockStore(database: Database): BlockStore {
  return {
    window: () =>
      database.all('select * from blocks order by number').map((row) => ({
        number: BigInt(integer(row, 'number')),
        hash: hex(row, 'hash'),
        parentHash: hex(row, 'parent_hash'),
        timestamp: BigInt(integer(row, 'timestamp')),
      })),

    apply: (change, logs) =>
      database.atomically(() => {
        dropFrom(database, change.from)
        noteLogs(database, logs)
        for (const block of change.added) noteBlock(database, block)
        database.run('delete from blocks where number <= ?', change.head.number - BigInt(KEPT_BLOCKS))
      }),

    program(dealKey) {
      const row =
        database.one('select program, kind from programs where deal_key = ?', dealKey) ??
        database.one('select program, kind from opened_deals where deal_key = ?', dealKey)
      return row === null ? null : { root: hex(row, 'program'), kind: integer(row, 'kind') }
    },

    dealId(dealKey) {
      const row = database.one(
        'select deal_id from opened_deals where deal_key = ? order by block_number desc',
        dealKey,
      )
      return row === null ? null : integer(row, 'deal_id')
    },

    // a deal key binds its offer and so its program: no re-organisation can change this
    rememberProgram(dealKey, { root, kind }) {
      database.run('insert or replace into programs (deal_key, program, kind) values (?, ?, ?)', dealKey, root, kind)
    },

    packedWorker(index) {
      const row = database.one(
        'select max(copy) as copy from worker_copies where worker = ?',
        registeredWorker(database, index),
      )
      return row === null || row.copy === null ? null : integer(row, 'copy')
    },

    dealIds: () => database.all('select distinct deal_id from opened_deals').map((row) => integer(row, 'deal_id')),

    forgetDeal(id) {
      database.run('delete from opened_deals where deal_id = ?', id)
    },
  }
}

/** Rows at or above `from` are void: re-organised away, or left by a step that did not finish. */
function dropFrom(database: Database, from: bigint): void {
  for (const [table, column] of [
    ['blocks', 'number'],
    ['opened_deals', 'block_number'],
    ['settlements', 'block_number'],
    ['worker_copies', 'block_number'],
    ['net_events', 'block_number'],
  ]) {
    database.run(`delete from ${table} where ${column} >= ?`, from)
  }
}

function noteLogs(database: Database, { opened, settled, packed, nets }: ChainLogs): void {
  for (const deal of opened) noteOpened(database, deal)
  for (const batch of settled) noteSettled(database, batch)
  for (const copies of packed) notePacked(database, copies)
  for (const event of nets) noteNetEvent(database, event)
}

function noteBlock(database: Database, { number, hash, parentHash, timestamp }: ChainBlock): void {
  database.run(
    'insert or replace into blocks (number, hash, parent_hash, timestamp) values (?, ?, ?, ?)',
    number,
    hash,
    parentHash,
    timestamp,
  )
}

function noteOpened(database: Database, { id, key, program, blockNumber, blockHash }: OpenedDeal): void {
  database.run(
    'insert or replace into opened_deals (deal_id, deal_key, program, kind, block_number, block_hash) values (?, ?, ?, ?, ?, ?)',
    id,
    key,
    program.root,
    program.kind,
    blockNumber,
    blockHash,
  )
}

function noteSettled(database: Database, { root, transaction, blobs, blockNumber, blockHash }: SettledBatch): void {
  noteOnChain(database, blobs)
  database.run(
    'insert or replace into settlements (transaction_hash, root, block_number, block_hash) values (?, ?, ?, ?)',
    transaction,
    root,
    blockNumber,
    blockHash,
  )
}

/** Index a worker was registered with; the index itself if it is no copy. */
function registeredWorker(database: Database, index: number): number {
  const row = database.one('select worker from worker_copies where copy = ?', index)
  return row === null ? index : integer(row, 'worker')
}

/** Remembers copies under the index that each worker was registered with: a copy may have been copied again. */
function notePacked(database: Database, { firstIndex, workers, blockNumber, blockHash }: PackedWorkers): void {
  for (const [row, worker] of workers.entries()) {
    database.run(
      'insert or replace into worker_copies (copy, worker, block_number, block_hash) values (?, ?, ?, ?)',
      firstIndex + row,
      registeredWorker(database, worker),
      blockNumber,
      blockHash,
    )
  }
}
