/**
 * Inputs of an example's tasks in one file: each behind its length (u32, little-endian), all packed with brotli.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'

/** Most bytes a file may unpack to. */
const MAX_DATA_BYTES = 16_777_216

/** The inputs behind their lengths. */
export function joinTasks(inputs: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    inputs.flatMap((input) => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(input.length)
      return [length, input]
    }),
  )
}

/** Packs what `joinTasks` made. */
export function packTasks(joined: Uint8Array): Uint8Array {
  return brotliCompressSync(joined, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: joined.length } })
}

/** Reads a file's first inputs. */
export function readTasks(file: string, count: number): Uint8Array[] {
  const data = brotliDecompressSync(readFileSync(file), { maxOutputLength: MAX_DATA_BYTES })
  const inputs: Uint8Array[] = []
  for (let at = 0; at < data.length && inputs.length < count; ) {
    const end = at + 4 + data.readUInt32LE(at)
    inputs.push(Uint8Array.from(data.subarray(at + 4, end)))
    at = end
  }
  return inputs
}
