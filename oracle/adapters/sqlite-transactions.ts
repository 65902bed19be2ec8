/**
 * The write-ahead log of the gas key's transactions in SQLite.
 *
 * @module
 */
import { OracleError } from '../errors.ts'
import type { Attempt, Purpose, StoredTransaction, TransactionState, TransactionStore } from '../ports.ts'
import { countBy, type Database, hex, hexes, integer, type Row, text } from './sqlite-database.ts'

/** Creates the transactions' store on an open database. */
export function createTransactionStore(database: Database): TransactionStore {
  function addAttempt(nonce: number, attempt: Attempt): void {
    database.run(
      'insert into attempts (hash, nonce, raw, max_fee, max_tip, max_blob_fee, created_at) values (?, ?, ?, ?, ?, ?, ?)',
      attempt.hash,
      nonce,
      attempt.raw,
      attempt.maxFeePerGas.toString(),
      attempt.maxPriorityFeePerGas.toString(),
      attempt.maxFeePerBlobGas?.toString() ?? null,
      attempt.createdAtMs,
    )
  }

  return {
    highestNonce() {
      const row = database.one('select max(nonce) as nonce from transactions')
      return row === null || row.nonce === null ? null : integer(row, 'nonce')
    },

    insert: ({ nonce, purpose, to, data, gas, blobs }, attempt) =>
      database.atomically(() => {
        database.run(
          `insert into transactions (nonce, kind, batch_id, label, target, data, gas, blobs, state)
           values (?, ?, ?, ?, ?, ?, ?, ?, 'sent')`,
          nonce,
          purpose.kind,
          purpose.kind === 'batch' ? purpose.batchId : null,
          purpose.kind === 'upkeep' ? purpose.label : null,
          to,
          data,
          gas,
          JSON.stringify(blobs),
        )
        addAttempt(nonce, attempt)
        if (purpose.kind === 'batch') database.run(`update batches set state = 'sent' where id = ?`, purpose.batchId)
      }),

    addAttempt,

    open: () =>
      database
        .all(`select * from transactions where state in ('sent', 'mined', 'reverted') order by nonce`)
        .map((row) => toTransaction(row, attemptsOf(database, integer(row, 'nonce')))),

    setState(nonce, state, block) {
      database.run(
        'update transactions set state = ?, block_number = ?, block_hash = ? where nonce = ?',
        state,
        block === null ? null : block.number,
        block === null ? null : block.hash,
        nonce,
      )
    },

    counts: () => countBy(database, 'transactions', 'state'),
  }
}

function attemptsOf(database: Database, nonce: number): Attempt[] {
  return database.all('select * from attempts where nonce = ? order by created_at, rowid', nonce).map((row) => ({
    hash: hex(row, 'hash'),
    raw: hex(row, 'raw'),
    maxFeePerGas: BigInt(text(row, 'max_fee')),
    maxPriorityFeePerGas: BigInt(text(row, 'max_tip')),
    ...(row.max_blob_fee === null ? {} : { maxFeePerBlobGas: BigInt(text(row, 'max_blob_fee')) }),
    createdAtMs: integer(row, 'created_at'),
  }))
}

function toTransaction(row: Row, attempts: Attempt[]): StoredTransaction {
  return {
    nonce: integer(row, 'nonce'),
    purpose: toPurpose(row),
    to: hex(row, 'target'),
    data: hex(row, 'data'),
    gas: BigInt(integer(row, 'gas')),
    blobs: hexes(row, 'blobs'),
    state: toState(text(row, 'state')),
    blockNumber: row.block_number === null ? null : BigInt(integer(row, 'block_number')),
    blockHash: row.block_hash === null ? null : hex(row, 'block_hash'),
    attempts,
  }
}

function toPurpose(row: Row): Purpose {
  return text(row, 'kind') === 'batch'
    ? { kind: 'batch', batchId: integer(row, 'batch_id') }
    : { kind: 'upkeep', label: text(row, 'label') }
}

function toState(value: string): TransactionState {
  if (value === 'sent' || value === 'mined' || value === 'final' || value === 'reverted') return value
  throw new OracleError('store.broken', `there is no transaction state ${value}`)
}
