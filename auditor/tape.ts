/**
 * A chain on file: everything one audit read, so that it can be done again offline and come out the same.
 *
 * A tape is as good as whoever recorded it: it shows what was read, and the block hash it was pinned to tells against any
 * node whether that was the chain.
 *
 * @module
 */
import { type Address, bytesToHex, type Hex, hexToBytes } from 'viem'
import { z } from 'zod'

import { AuditError } from './errors.ts'
import type { BlockRecord, Overlay, Source } from './source.ts'

const hex = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]*$/i)])
const log = z.object({ address: hex, topics: z.array(hex), data: hex, index: z.number().int() })
const transaction = z.object({
  hash: hex,
  from: hex,
  to: hex.nullable(),
  input: hex,
  blobs: z.array(hex).default([]),
  succeeded: z.boolean(),
  logs: z.array(log),
})
const block = z.object({
  number: z.number().int(),
  hash: hex,
  parentHash: hex,
  timestamp: z.number().int(),
  transactions: z.array(transaction),
})
const innerCall = z.object({ from: hex, to: hex, input: hex })
const tape = z.object({
  version: z.literal(2),
  chainId: z.number().int(),
  head: z.object({ number: z.number().int(), hash: hex }),
  blocks: z.array(block),
  headers: z.record(z.string(), z.object({ hash: hex, timestamp: z.number().int() })),
  calls: z.record(z.string(), hex.nullable()),
  /** Words of storage by block, account and slot. */
  storage: z.record(z.string(), hex),
  codes: z.record(z.string(), hex),
  /** Bytes by versioned hash; null where nobody gave them. */
  blobs: z.record(z.string(), hex.nullable()).default({}),
  traces: z.record(z.string(), z.array(innerCall).nullable()),
  /** Whether views between the transactions of one block were recorded. */
  exact: z.boolean().optional(),
  executions: z.record(z.string(), z.array(z.object({ hash: hex, timestamp: z.number().int() }))),
})

/** What stands in the file. */
export type Tape = z.output<typeof tape>

const callKey = (to: Address, data: Hex, number: number, overlay?: Overlay): string =>
  `${overlay?.after ?? number} ${to.toLowerCase()} ${data}`
const slotKey = (address: Address, slot: Hex, number: number, overlay?: Overlay): string =>
  `${overlay?.after ?? number} ${address.toLowerCase()} ${slot}`
const codeKey = (address: Address, number: number): string => `${number} ${address.toLowerCase()}`

/** Reads through `source` and remembers every answer. */
export function createRecorder(source: Source): { source: Source; tape: () => Tape } {
  const blocks = new Map<number, BlockRecord>()
  const recorded: Tape = {
    version: 2,
    chainId: 0,
    head: { number: 0, hash: '0x' },
    blocks: [],
    headers: {},
    calls: {},
    storage: {},
    codes: {},
    blobs: {},
    traces: {},
    executions: {},
  }
  const recording: Source = {
    chainId: async () => {
      recorded.chainId = await source.chainId()
      return recorded.chainId
    },
    head: async () => {
      recorded.head = await source.head()
      return recorded.head
    },
    header: async (number) => {
      const { hash, timestamp } = await source.header(number)
      recorded.headers[number] = { hash, timestamp }
      return { hash, timestamp }
    },
    async *blocks(from, to, watch) {
      for await (const one of source.blocks(from, to, watch)) {
        blocks.set(one.number, one)
        yield one
      }
    },
    call: async (to, data, number, overlay) => {
      const answer = await source.call(to, data, number, overlay)
      recorded.calls[callKey(to, data, number, overlay)] = answer
      return answer
    },
    storage: async (address, slot, number, overlay) => {
      const word = await source.storage(address, slot, number, overlay)
      recorded.storage[slotKey(address, slot, number, overlay)] = word
      return word
    },
    blob: async (versionedHash, members) => {
      const blob = await source.blob(versionedHash, members)
      recorded.blobs[versionedHash] = blob === null ? null : bytesToHex(blob)
      return blob
    },
    code: async (address, number) => {
      const code = await source.code(address, number)
      recorded.codes[codeKey(address, number)] = code
      return code
    },
    trace: async (hash) => {
      const calls = await source.trace(hash)
      recorded.traces[hash] = calls === null ? null : calls.map((call) => ({ ...call }))
      return calls
    },
    overlays: async (transactions) => {
      const overlays = await source.overlays(transactions)
      recorded.exact = overlays !== null
      return overlays
    },
    executions: async (from, to) => {
      const found = await source.executions(from, to)
      recorded.executions[`${from} ${to}`] = found.map((one) => ({ ...one }))
      return found
    },
  }
  const rising = (): Tape['blocks'] =>
    [...blocks.values()]
      .sort((left, right) => left.number - right.number)
      .map(({ transactions, ...rest }) => ({
        ...rest,
        transactions: transactions.map((one) => ({
          ...one,
          blobs: [...one.blobs],
          logs: one.logs.map((entry) => ({ ...entry, topics: [...entry.topics] })),
        })),
      }))
  return { source: recording, tape: () => ({ ...recorded, blocks: rising() }) }
}

/**
 * Checks what was read from a file.
 *
 * @throws AuditError `tape.malformed`.
 */
export function parseTape(json: string): Tape {
  try {
    return tape.parse(JSON.parse(json))
  } catch (error) {
    throw new AuditError('tape.malformed', 'the file holds no recorded chain of this version', { cause: error })
  }
}

/** Answers from a tape; AuditError `tape.incomplete` for what was not recorded. */
export function createTapeSource(recorded: Tape): Source {
  const found = <value>(answer: value | undefined, what: string): value => {
    if (answer === undefined) throw new AuditError('tape.incomplete', `the file does not hold ${what}`)
    return answer
  }
  return {
    chainId: async () => recorded.chainId,
    head: async () => recorded.head,
    header: async (number) => found(recorded.headers[number], `block ${number}`),
    async *blocks(from, to) {
      for (const one of recorded.blocks) if (one.number >= from && one.number <= to) yield one
    },
    call: async (to, data, number, overlay) =>
      found(recorded.calls[callKey(to, data, number, overlay)], `a view at block ${number}`),
    storage: async (address, slot, number, overlay) =>
      found(recorded.storage[slotKey(address, slot, number, overlay)], `a word of storage at block ${number}`),
    blob: async (versionedHash) => {
      const blob = found(recorded.blobs[versionedHash], `blob ${versionedHash}`)
      return blob === null ? null : hexToBytes(blob)
    },
    overlays: async (transactions) =>
      recorded.exact === true ? transactions.map((after) => ({ after, storage: {} })) : null,
    code: async (address, number) => found(recorded.codes[codeKey(address, number)], `the code of ${address}`),
    trace: async (hash) => recorded.traces[hash] ?? null,
    executions: async (from, to) => found(recorded.executions[`${from} ${to}`], `the blocks ${from} to ${to}`),
  }
}
