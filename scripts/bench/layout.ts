/**
 * Where contracts keep their counters, by the committed storage layouts, which `npm run generate` writes.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { type Address, toHex } from 'viem'
import { z } from 'zod'

import { ROOT } from '../support/run.ts'
import { type Chain, storageAt } from './chain.ts'

/** A field of a contract's state. */
export type Field = { readonly slot: bigint; readonly byte: number }

const snapshot = z.looseObject({ storage: z.array(z.string()), structs: z.record(z.string(), z.array(z.string())) })
const LINE = /^slot (?<slot>\d+) byte (?<byte>\d+): \S+ (?<name>\S+)$/
const COUNTER_BITS = 32n

/** A state variable, or a field of a struct that is one. @throws Error when the layout has none of that name. */
export function fieldOf(contract: string, variable: string, member?: string): Field {
  const path = join(ROOT, 'test/snapshots', `${contract}.json`)
  const { storage, structs } = snapshot.parse(JSON.parse(readFileSync(path, 'utf8')))
  const base = find(storage, variable)
  if (member === undefined) return base
  const within = Object.values(structs).flatMap((lines) => lines.filter((line) => line.endsWith(` ${member}`)))
  const { slot, byte } = find(within, member)
  return { slot: base.slot + slot, byte: base.byte + byte }
}

function find(lines: readonly string[], name: string): Field {
  for (const line of lines) {
    const found = LINE.exec(line)?.groups
    if (found?.name === name) return { slot: BigInt(found.slot ?? 0), byte: Number(found.byte) }
  }
  throw new Error(`the layout has no ${name}`)
}

/** A counter of 32 bits. */
export async function readCounter(chain: Chain, address: Address, { slot, byte }: Field): Promise<number> {
  const word = await storageAt(chain, address, slot)
  return Number((word >> BigInt(8 * byte)) & ((1n << COUNTER_BITS) - 1n))
}

/** Moves a counter on, as if others had taken what it counts. */
export async function skipCounts(chain: Chain, address: Address, field: Field, count: number): Promise<void> {
  const word = await storageAt(chain, address, field.slot)
  const moved = word + (BigInt(count) << BigInt(8 * field.byte))
  await chain.setStorage(address, field.slot, toHex(moved, { size: 32 }))
}
