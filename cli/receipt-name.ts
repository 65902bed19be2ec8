/**
 * How a command line names one settled receipt: by its work hash, by its place, or by a file that holds it.
 *
 * @module
 */
import type { Hex } from 'viem'

import { CliError } from './errors.ts'
import { readReceiptsFile } from './receipts-file.ts'

/** A receipt by what it is called. */
export type Named =
  | { readonly workHash: Hex }
  | { readonly dealId: number; readonly stream: number; readonly index: number }

const WORK_HASH = /^0x[0-9a-f]{64}$/i
const PLACE = /^([1-9][0-9]{0,9})\/([0-9]{1,2})\/([0-9]{1,8})$/

/**
 * The receipt that is meant: `0x…` (work hash), `deal/stream/index`, or a file of signed segments, of which the last
 * receipt is meant.
 *
 * @throws CliError `cli.bad-argument` or `cli.unreadable-file`.
 */
export async function readNamed(name: string): Promise<Named> {
  if (WORK_HASH.test(name)) return { workHash: `0x${name.slice(2).toLowerCase()}` }
  const place = PLACE.exec(name)
  if (place !== null) return { dealId: Number(place[1]), stream: Number(place[2]), index: Number(place[3]) }
  const groups = await readReceiptsFile(name)
  const last = groups.at(-1)
  if (last === undefined) throw new CliError('cli.bad-argument', `${name} holds no receipt`)
  return { dealId: last.dealId, stream: last.tally.stream, index: last.tally.count - 1 }
}
