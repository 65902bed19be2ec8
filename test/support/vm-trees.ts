/**
 * Trees over memory the plain way, with another keccak than the product's bulk one: what trees are tested against.
 *
 * @module
 */
import { concat, type Hex, keccak256, toHex, zeroHash } from 'viem'

const zeros: Hex[] = [zeroHash]

/** Root of a tree of `depth` levels over zeros. */
export function plainZero(depth: number): Hex {
  for (let last = zeros.at(-1) ?? zeroHash; zeros.length <= depth; last = zeros.at(-1) ?? zeroHash)
    zeros.push(keccak256(concat([last, last])))
  return zeros[depth] ?? zeroHash
}

/** Root of a tree of `depth` levels over the bytes, padded with zeros. */
export function plainRoot(bytes: Uint8Array, depth: number): Hex {
  if (bytes.every((byte) => byte === 0)) return plainZero(depth)
  if (depth === 0) {
    const leaf = new Uint8Array(32)
    leaf.set(bytes)
    return toHex(leaf)
  }
  const half = 32 * 2 ** (depth - 1)
  const [left, right] = [bytes.subarray(0, half), bytes.subarray(half)]
  return keccak256(concat([plainRoot(left, depth - 1), plainRoot(right, depth - 1)]))
}
