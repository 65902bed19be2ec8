/**
 * The member's store on SQLite: the parts share one file and its transactions.
 *
 * @module
 */
import type { Store } from '../ports.ts'
import { createBatchStore } from './sqlite-batches.ts'
import { createBlobStore } from './sqlite-blobs.ts'
import { createBlockStore } from './sqlite-blocks.ts'
import { integer, openDatabase } from './sqlite-database.ts'
import { createEvidenceStore } from './sqlite-evidence.ts'
import { createMessageStore } from './sqlite-messages.ts'
import { createNetStore } from './sqlite-nets.ts'
import { createPromiseStore } from './sqlite-promises.ts'
import { createSegmentStore } from './sqlite-segments.ts'
import { createTransactionStore } from './sqlite-transactions.ts'

/**
 * Opens or creates the store of one deployment.
 *
 * @throws OracleError `store.locked`, `store.other-deployment` or `store.broken`.
 */
export function createSqliteStore(options: { readonly file: string; readonly deployment: string }): Store {
  const database = openDatabase(options.file, options.deployment)
  return {
    segments: createSegmentStore(database),
    evidence: createEvidenceStore(database),
    promises: createPromiseStore(database),
    messages: createMessageStore(database),
    batches: createBatchStore(database),
    transactions: createTransactionStore(database),
    blocks: createBlockStore(database),
    blobs: createBlobStore(database),
    nets: createNetStore(database),
    ping: () => void integer(database.one('select 1 as one'), 'one'),
    close: () => database.close(),
  }
}
