/**
 * Result of a provable run: a pure function of program, input and the most units it may use.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from '../errors.ts'
import { dataRoot } from '../merkle.ts'
import { fixedBytes, keccak, packWords, toHex } from '../words.ts'
import { unitsOfFuel } from '../work.ts'
import {
  DATA_BASE,
  INSTRUCTIONS_PER_UNIT,
  LEAF_BYTES,
  OUTPUT_BASE,
  OUTPUT_BYTES,
  OUTPUT_DEPTH,
  REGISTER_A1,
} from './layout.ts'
import type { Machine } from './machine.ts'
import { packState, STATUS, stateHash } from './state.ts'
import { extendedRoot, paddedRoot } from './tree.ts'

/** How a run ended; every way is payable. */
export type RunEnding = 'halted' | 'trapped' | 'out-of-units'

/** What a run comes to. */
export type RunResult = {
  readonly ending: RunEnding
  /** 1 or more. */
  readonly units: bigint
  /** Empty unless it halted. */
  readonly output: Uint8Array
  readonly outputRoot: Hex
  /** The 201 bytes of the last state. */
  readonly finalState: Uint8Array
  readonly finalStateHash: Hex
  /** Second half of the output commitment. */
  readonly plainHash: Hex
}

/** Thrown when a run has no payable result; `code` is `execution.output-dirty` or `execution.unfinished`. */
export class ResultError extends TallyError {
  override readonly name = 'ResultError'

  constructor(code: 'execution.output-dirty' | 'execution.unfinished', problem: string) {
    super(code, problem)
  }
}

/** Instructions that a run of at most `maxUnits` units may execute. */
export function instructionLimit(maxUnits: bigint): bigint {
  return maxUnits * BigInt(INSTRUCTIONS_PER_UNIT)
}

/**
 * Result of a machine that has run to its end, or to the limit of its units.
 *
 * @throws {@link ResultError} `execution.output-dirty` when something but zeros stands behind the output;
 * `execution.unfinished` when the machine can still run.
 */
export function resultOf(machine: Machine, maxUnits: bigint): RunResult {
  const finalState = packState(machine.commit())
  const ending = endingOf(machine, maxUnits)
  const output = ending === 'halted' ? outputOf(machine) : new Uint8Array()
  const outputRoot = dataRoot(output)
  const finalStateHash = stateHash(finalState)
  const plainHash = plainHashOf(outputRoot, finalStateHash)
  return {
    ending,
    units: unitsOfFuel(BigInt(machine.steps)),
    output,
    outputRoot,
    finalState,
    finalStateHash,
    plainHash,
  }
}

/** Second half of a provable output's commitment: keccak256(abi.encode(outputRoot, hash of the last state)). */
export function plainHashOf(outputRoot: Hex, finalStateHash: Hex): Hex {
  const words = [fixedBytes(outputRoot, 32, 'outputRoot'), fixedBytes(finalStateHash, 32, 'finalStateHash')]
  return toHex(keccak(packWords(words)))
}

function endingOf({ status, steps }: Machine, maxUnits: bigint): RunEnding {
  if (status === STATUS.halted) return 'halted'
  if (status === STATUS.trapped) return 'trapped'
  if (BigInt(steps) < instructionLimit(maxUnits))
    throw new ResultError('execution.unfinished', `after ${steps} instructions the run has not ended`)
  return 'out-of-units'
}

/** Reads the output of a committed machine that halted. */
function outputOf({ memory: { bytes, registers }, memoryTree }: Machine): Uint8Array {
  const length = (registers[REGISTER_A1] ?? 0) >>> 0
  if (length > OUTPUT_BYTES) return new Uint8Array()
  const begin = OUTPUT_BASE - DATA_BASE
  const output = bytes.slice(begin, begin + length)
  const { root, depth } = paddedRoot(output)
  const expected = extendedRoot(root, depth, OUTPUT_DEPTH)
  const region = memoryTree.nodeAt(OUTPUT_DEPTH, begin / (LEAF_BYTES << OUTPUT_DEPTH))
  if (toHex(expected) !== toHex(region))
    throw new ResultError('execution.output-dirty', `something stands behind the output's ${length} bytes`)
  return output
}
