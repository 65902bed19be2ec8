/**
 * What an asserter opens a game with: the work behind its receipt, and the run's last state by the regions of its memory.
 *
 * @module
 */
import type { Hex } from 'viem'

import { encodeOpening, openingEnds } from '#protocol/bisection-opening.ts'
import { type Image, loadElf } from '#protocol/vm/elf.ts'
import { LEAF_BYTES, PAGE_BYTES, PROGRAM_BASE, PROGRAM_DEPTH } from '#protocol/vm/layout.ts'
import { createMemoryTree, paddedRoot } from '#protocol/vm/tree.ts'
import { toHex } from '#protocol/words.ts'

import type { ProvableExecution } from '../provable-execution.ts'
import type { Truth } from './truth.ts'

/** Bytes of a packed state in front of its core. */
const ROOTS = 64

/** The work behind a receipt. */
export type AssertedWork = {
  /** Unix seconds, as in the work hash. */
  readonly startedAt: bigint
  readonly endedAt: bigint
  readonly order: { readonly index: bigint; readonly maxUnits: bigint }
  /** The ELF file. */
  readonly program: Uint8Array
  readonly input: Uint8Array
}

/** Bytes of the opening for an execution of the work. */
export async function openingOf(work: AssertedWork, execution: ProvableExecution, truth: Truth): Promise<Hex> {
  const { startedAt, endedAt, order, program, input } = work
  const { regions, output, finalState, instructions } = execution
  const image = loadElf(program)
  return encodeOpening({
    ...{ startedAt, endedAt, order },
    input: { length: input.length, tree: toHex(paddedRoot(input).root) },
    program: { codeRoot: toHex(image.codeTree.root()), programRoot: programRootOf(image), entry: image.entry },
    final: {
      programRoot: regions.program,
      output: output.length === 0 ? regions.output : toHex(paddedRoot(output).root),
      inputRoot: regions.input,
      core: toHex(finalState.subarray(ROOTS)),
    },
    list: await truth.statesAt(openingEnds(instructions)),
  })
}

/** Root of the program region before the first instruction. */
function programRootOf({ segments }: Image): Hex {
  const memory = new Uint8Array(LEAF_BYTES << PROGRAM_DEPTH)
  const dirty = new Uint8Array(memory.length / PAGE_BYTES)
  for (const { address, bytes } of segments) {
    const at = address - PROGRAM_BASE
    memory.set(bytes, at)
    dirty.fill(1, Math.floor(at / PAGE_BYTES), Math.ceil((at + bytes.length) / PAGE_BYTES))
  }
  const tree = createMemoryTree(memory, PROGRAM_DEPTH)
  tree.update(dirty)
  return toHex(tree.root())
}
