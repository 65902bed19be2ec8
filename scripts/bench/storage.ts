/**
 * Many words of storage at once, and the words that transactions wrote.
 *
 * @module
 */
import { type Address, getAddress, type Hex, numberToHex } from 'viem'
import { z } from 'zod'

import type { Written } from './chain.ts'

/** Words in one request. */
const AT_ONCE = 2_000

const answers = z.array(z.looseObject({ result: z.literal(true) }))

/** Writes words through a node's endpoint, many in a request. @throws Error when one is refused. */
export async function writeBatched(url: string, words: readonly Written[]): Promise<void> {
  for (let from = 0; from < words.length; from += AT_ONCE) {
    const part = words.slice(from, from + AT_ONCE)
    const calls = part.map(({ address, slot, word }, id) => {
      const params = [address, numberToHex(slot, { size: 32 }), word]
      return { jsonrpc: '2.0', id, method: 'anvil_setStorageAt', params }
    })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(calls) })
    const done = answers.parse(await response.json())
    if (done.length !== part.length) throw new Error('the node did not write every word')
  }
}

const diff = z.looseObject({
  post: z.record(z.string(), z.looseObject({ storage: z.record(z.string(), z.string()).optional() })),
})

/** Words a transaction left changed, from a trace of what it found and what it left. */
export function readDiff(trace: unknown): Written[] {
  const { post } = diff.parse(trace)
  return Object.entries(post).flatMap(([address, { storage = {} }]) =>
    Object.entries(storage).map(([slot, word]): Written => {
      return { address: toAddress(address), slot: BigInt(slot), word: `0x${word.slice(2)}` }
    }),
  )
}

function toAddress(value: string): Address {
  return getAddress(value as Hex)
}
