/**
 * What was read from blocks, in SQLite, each row with the block it stands on.
 *
 * @module
 */
import type { BlockStore } from '../ports.ts'
import { noteOnChain } from './sqlite-blobs.ts'
import { type Database, hex, integer } from './sqlite-database.ts'

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
        // rows at or above `from` are void: re-organised away, or left by a step that did not finish
        for (const [table, column] of [
          ['blocks', 'number'],
          ['opened_deals', 'block_number'],
          ['settlements', 'block_number'],
        ]) {
          database.run(`delete from ${table} where ${column} >= ?`, change.from)
        }
        for (const { id, key, program, blockNumber, blockHash } of logs.opened) {
          database.run(
            'insert or replace into opened_deals (deal_id, deal_key, program, block_number, block_hash) values (?, ?, ?, ?, ?)',
            id,
            key,
            program,
            blockNumber,
            blockHash,
          )
        }
        for (const { root, transaction, blobs, blockNumber, blockHash } of logs.settled) {
          noteOnChain(database, blobs)
          database.run(
            'insert or replace into settlements (transaction_hash, root, block_number, block_hash) values (?, ?, ?, ?)',
            transaction,
            root,
            blockNumber,
            blockHash,
          )
        }
        for (const { number, hash, parentHash, timestamp } of change.added) {
          database.run(
            'insert or replace into blocks (number, hash, parent_hash, timestamp) values (?, ?, ?, ?)',
            number,
            hash,
            parentHash,
            timestamp,
          )
        }
        database.run('delete from blocks where number <= ?', change.head.number - BigInt(KEPT_BLOCKS))
      }),

    program(dealKey) {
      const row =
        database.one('select program from programs where deal_key = ?', dealKey) ??
        database.one('select program from opened_deals where deal_key = ?', dealKey)
      return row === null ? null : hex(row, 'program')
    },

    dealId(dealKey) {
      const row = database.one(
        'select deal_id from opened_deals where deal_key = ? order by block_number desc',
        dealKey,
      )
      return row === null ? null : integer(row, 'deal_id')
    },

    // a deal key binds its offer and so its program: no re-organisation can change this
    rememberProgram(dealKey, program) {
      database.run('insert or replace into programs (deal_key, program) values (?, ?)', dealKey, program)
    },

    dealIds: () => database.all('select distinct deal_id from opened_deals').map((row) => integer(row, 'deal_id')),

    forgetDeal(id) {
      database.run('delete from opened_deals where deal_id = ?', id)
    },
  }
}
