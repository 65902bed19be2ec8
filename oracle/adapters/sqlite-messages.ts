/**
 * Orders, offers and acknowledgements in SQLite.
 *
 * @module
 */
import { bytesToHex } from 'viem'

import { parseOfferMessage, toWire } from '#protocol/wire.ts'
import type { MessageStore, SignedAcknowledgement } from '../ports.ts'
import { blob, type Database, hex, integer, type Row, text } from './sqlite-database.ts'

/** Task indexes are uint64 and SQLite's integers are signed: big-endian bytes sort as the numbers do. */
function taskKey(index: bigint): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, index)
  return bytes
}

function taskIndex(bytes: Uint8Array): bigint {
  return BigInt(bytesToHex(bytes))
}

/** Creates the messages' store on an open database. */
export function createMessageStore(database: Database): MessageStore {
  return {
    putOrders: (orders) =>
      database.atomically(() => {
        for (const { dealKey, index, inputRoot, maxUnits, signature } of orders) {
          // the first order of an index stays: a buyer that signs two for one task cannot take the first one back
          database.run(
            'insert or ignore into orders (deal_key, task, input_root, max_units, signature) values (?, ?, ?, ?, ?)',
            dealKey,
            taskKey(index),
            inputRoot,
            maxUnits,
            signature,
          )
        }
      }),

    order(dealKey, index) {
      const row = database.one('select * from orders where deal_key = ? and task = ?', dealKey, taskKey(index))
      if (row === null) return null
      return {
        index,
        inputRoot: hex(row, 'input_root'),
        maxUnits: BigInt(integer(row, 'max_units')),
        signature: hex(row, 'signature'),
      }
    },

    orders: ({ dealKey, from, limit }) =>
      database
        .all(
          'select * from orders where deal_key = ? and task >= ? order by task limit ?',
          dealKey,
          taskKey(from),
          limit,
        )
        .map((row) => ({
          dealKey,
          index: taskIndex(blob(row, 'task')),
          inputRoot: hex(row, 'input_root'),
          maxUnits: BigInt(integer(row, 'max_units')),
          signature: hex(row, 'signature'),
        })),

    putOffer: (hash, offer, signature) =>
      database.run(
        'insert or ignore into offers (hash, body) values (?, ?)',
        hash,
        JSON.stringify(toWire({ offer, signature })),
      ) > 0,

    offers: () =>
      database.all('select hash, body from offers order by rowid').map((row) => ({
        hash: hex(row, 'hash'),
        ...parseOfferMessage(JSON.parse(text(row, 'body'))),
      })),

    putAcknowledgement({ dealKey, stream, count, units, segment, signature }) {
      database.run(
        `insert or replace into acknowledgements (deal_key, stream, count, units, segment_hash, signature)
         values (?, ?, ?, ?, ?, ?)`,
        dealKey,
        stream,
        count,
        units,
        segment,
        signature,
      )
    },

    acknowledgement({ dealKey, stream, count, units, segment }) {
      const row = database.one(
        `select signature from acknowledgements
         where deal_key = ? and stream = ? and count = ? and segment_hash = ? and units = ?`,
        dealKey,
        stream,
        count,
        segment,
        units,
      )
      return row === null ? null : hex(row, 'signature')
    },

    acknowledgedStreams: (dealKey) =>
      database
        .all('select distinct stream from acknowledgements where deal_key = ?', dealKey)
        .map((row) => integer(row, 'stream')),

    highestAcknowledgement({ dealKey, stream }, maxCount) {
      const row = database.one(
        `select * from acknowledgements where deal_key = ? and stream = ? and count <= ? and units is not null
         order by units desc limit 1`,
        dealKey,
        stream,
        maxCount,
      )
      return row === null ? null : toAcknowledgement(row)
    },

    dropAcknowledgements: (tallies) =>
      database.atomically(() => {
        for (const tallyHash of tallies) {
          database.run(
            `delete from acknowledgements where (deal_key, stream, count, segment_hash) in (
               select deal_key, stream, count, segment_hash from segments where tally_hash = ?)`,
            tallyHash,
          )
        }
      }),
  }
}

function toAcknowledgement(row: Row): SignedAcknowledgement {
  return {
    dealKey: hex(row, 'deal_key'),
    stream: integer(row, 'stream'),
    count: integer(row, 'count'),
    units: BigInt(integer(row, 'units')),
    segment: hex(row, 'segment_hash'),
    signature: hex(row, 'signature'),
  }
}
