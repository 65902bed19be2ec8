/**
 * Gas of whole transactions, as the payer pays it, against `test/snapshots/gas.json`; `UPDATE=1` writes that file anew.
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'
import { z } from 'zod'

const FILE = join(import.meta.dirname, '..', 'snapshots', 'gas.json')
/** Ten zero bytes more or fewer. */
const ZERO_BYTES = 120
const snapshotSchema = z.record(z.string(), z.int())

/** A figure, something measured, or a transaction of ethers. */
export type Spent = bigint | number | { readonly gas: bigint } | { wait(): Promise<{ gasUsed: bigint } | null> }

/**
 * Holds what a transaction used against the snapshot.
 *
 * @param name - Name of the figure; each is used once.
 */
export async function expectGas(name: string, spent: Spent | Promise<Spent>): Promise<void> {
  await expectWithin(name, spent, 0)
}

/**
 * The same on a chain whose clock is the machine's: hashes and signatures in the input follow the time, and each of their
 * bytes that happens to be zero costs 12 gas less.
 */
export async function expectGasAbout(name: string, spent: Spent | Promise<Spent>): Promise<void> {
  await expectWithin(name, spent, ZERO_BYTES)
}

async function expectWithin(name: string, spent: Spent | Promise<Spent>, slack: number): Promise<void> {
  const gas = await gasOf(await spent)
  const snapshot = existsSync(FILE) ? snapshotSchema.parse(JSON.parse(readFileSync(FILE, 'utf8'))) : {}
  if (process.env.UPDATE === '1') {
    const entries = Object.entries({ ...snapshot, [name]: gas }).sort(([left], [right]) => (left < right ? -1 : 1))
    writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`)
    return
  }
  expect(gas, `gas of "${name}"; UPDATE=1 takes over what changed`).to.be.closeTo(snapshot[name] ?? 0, slack)
}

async function gasOf(spent: Spent): Promise<number> {
  if (typeof spent !== 'object') return Number(spent)
  if ('gas' in spent) return Number(spent.gas)
  const receipt = await spent.wait()
  if (receipt === null) throw new Error('the transaction was not mined')
  return Number(receipt.gasUsed)
}
