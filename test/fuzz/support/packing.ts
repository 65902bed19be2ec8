/**
 * Many inputs in one call: the probes take them as one string of bytes.
 *
 * @module
 */
import { type Abi, type Address, decodeFunctionResult, encodeFunctionData, type Hex } from 'viem'

import type { Artifact } from '../../support/scenario.ts'
import type { FuzzChain } from './fuzz-chain.ts'

/** Each case's parts, their lengths (4 bytes each) before them. */
export function packed(cases: readonly (readonly Uint8Array[])[]): Hex {
  const parts = cases.flatMap((one) => {
    const lengths = Buffer.alloc(4 * one.length)
    for (const [index, part] of one.entries()) lengths.writeUInt32BE(part.length, 4 * index)
    return [lengths, ...one]
  })
  return `0x${Buffer.concat(parts).toString('hex')}`
}

/** A call of a probe's function; `blobs` are the versioned hashes of those that go with it. */
export type ProbeCall = {
  readonly artifact: Artifact
  readonly name: string
  readonly from: Address
  readonly to: Address
  readonly args: readonly unknown[]
  readonly blobs?: readonly Hex[]
}

/** Calls a probe; the caller says the shape of its answer. */
export async function ask<Answer>(chain: FuzzChain, call: ProbeCall): Promise<Answer> {
  const { abi }: { abi: Abi } = call.artifact
  const { name: functionName, from, to, args, blobs = [] } = call
  const data = await chain.call({ from, to, data: encodeFunctionData({ abi, functionName, args }), blobs })
  return decodeFunctionResult({ abi, functionName, data }) as Answer
}
