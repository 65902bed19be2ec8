/**
 * Follows how many operands a function has on its stack, block by block; their types are V8's to check.
 *
 * @module
 */
import { moduleLimits, ProgramError, within } from './module-limits.ts'

/** Height of the operand stack at one place of a function. */
export type OperandStack = {
  /** Open blocks, the function itself included. */
  depth(): number
  height(): number
  /** Greatest height so far. */
  highest(): number
  /** Takes `pops` operands and gives `pushes`. */
  apply(pops: number, pushes: number): void
  open(parameters: number, results: number): void
  /** `else`. */
  otherwise(): void
  /** `end`. */
  close(): void
  /** Control does not go on: what follows in this block is never executed. */
  leave(): void
}

type Block = { readonly base: number; readonly parameters: number; readonly results: number; unreachable: boolean }

/** Creates the stack of a function giving `results` values. */
export function createOperandStack(results: number): OperandStack {
  const blocks: Block[] = [{ base: 0, parameters: 0, results, unreachable: false }]
  let height = 0
  let highest = 0

  function top(): Block {
    const block = blocks.at(-1)
    if (block === undefined) throw new ProgramError('more ends than blocks')
    return block
  }

  function apply(pops: number, pushes: number): void {
    const block = top()
    const rest = height - pops
    if (rest < block.base && !block.unreachable) throw new ProgramError('an operand is missing')
    height = within(Math.max(rest, block.base) + pushes, moduleLimits.operands, 'operands at once')
    highest = Math.max(highest, height)
  }

  return {
    depth: () => blocks.length,
    height: () => height,
    highest: () => highest,
    apply,
    open(parameters, blockResults) {
      apply(parameters, 0)
      within(blocks.length, moduleLimits.nesting, 'blocks within blocks')
      blocks.push({ base: height, parameters, results: blockResults, unreachable: false })
      apply(0, parameters)
    },
    otherwise() {
      const block = top()
      block.unreachable = false
      height = block.base
      apply(0, block.parameters)
    },
    close() {
      const block = top()
      height = block.base
      apply(0, block.results)
      blocks.pop()
    },
    leave() {
      const block = top()
      block.unreachable = true
      height = block.base
    },
  }
}
