/**
 * What a receipt's work hash commits to, and the bytes of a program's result.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from './errors.ts'
import { Kind } from './types.ts'
import { concatBytes, fixedBytes, keccak, packWords, toHex, uintBytes } from './words.ts'

/** How a run of a program ended; all three are payable. */
export const ResultStatus = { Done: 0, Trap: 1, OutOfUnits: 2 } as const
export type ResultStatus = (typeof ResultStatus)[keyof typeof ResultStatus]

/** Whether work of this kind is a program's run, which anybody can repeat. */
export function isRunnable(kind: number): boolean {
  return kind === Kind.Provable || kind === Kind.Repeatable
}

/** Fuel of one unit of a WebAssembly program. */
export const FUEL_PER_UNIT = 1_000_000n

/** Preimage of a work hash; times are unix seconds. */
export type Work = {
  readonly taskHash: Hex
  readonly outputCommitment: Hex
  readonly startedAt: number | bigint
  readonly endedAt: number | bigint
}

/** Thrown when bytes are no result; `code` is `work.malformed-result`. */
export class ResultError extends TallyError {
  override readonly name = 'ResultError'

  constructor(problem: string) {
    super('work.malformed-result', problem)
  }
}

/**
 * Commitment to an output.
 *
 * @param outputRoot - Data root of the output as delivered, that is encrypted where the deal encrypts.
 * @param plainHash - keccak256 of the plain output.
 * @throws FieldError when one is not 32 bytes.
 */
export function outputCommitment(outputRoot: Hex, plainHash: Hex): Hex {
  const words = [fixedBytes(outputRoot, 32, 'outputRoot'), fixedBytes(plainHash, 32, 'plainHash')]
  return toHex(keccak(packWords(words)))
}

/**
 * Hash of one finished task, as it stands in a receipt.
 *
 * @throws FieldError when a hash is not 32 bytes or a time does not fit uint64.
 */
export function workHash(work: Work): Hex {
  return toHex(
    keccak(
      packWords([
        fixedBytes(work.taskHash, 32, 'taskHash'),
        fixedBytes(work.outputCommitment, 32, 'outputCommitment'),
        uintBytes(work.startedAt, 64, 'startedAt'),
        uintBytes(work.endedAt, 64, 'endedAt'),
      ]),
    ),
  )
}

/** keccak256 of a plain output, the second half of an output commitment; of provable work see `vm/result.ts`. */
export function plainHash(output: Uint8Array): Hex {
  return toHex(keccak(output))
}

/**
 * Units of a run that used `fuel`: max(1, ceil(fuel / 10⁶)).
 *
 * @param fuel - Executed instructions.
 */
export function unitsOfFuel(fuel: bigint): bigint {
  const units = (fuel + FUEL_PER_UNIT - 1n) / FUEL_PER_UNIT
  return units > 1n ? units : 1n
}

/**
 * A result's bytes: `status ‖ output`.
 *
 * @throws {@link ResultError} when a run that is not done has output.
 */
export function encodeResult(status: ResultStatus, output: Uint8Array): Uint8Array {
  if (status !== ResultStatus.Done && output.length > 0) throw new ResultError('only a run that is done has output')
  return concatBytes([new Uint8Array([status]), output])
}

/**
 * Status and output of a result's bytes.
 *
 * @throws {@link ResultError} when there is no such status, or output where there must be none.
 */
export function decodeResult(bytes: Uint8Array): { status: ResultStatus; output: Uint8Array } {
  const status = Object.values(ResultStatus).find((known) => known === bytes[0])
  if (status === undefined) throw new ResultError(`there is no status ${bytes[0]}`)
  if (status !== ResultStatus.Done && bytes.length > 1) throw new ResultError('only a run that is done has output')
  return { status, output: bytes.slice(1) }
}
