/**
 * What a program may be made of, so that reading, compiling and running it has a bound known beforehand.
 *
 * Every node must hold the same figures: a program is valid everywhere or nowhere.
 *
 * @module
 */

/** Bounds of a program module. */
export const moduleLimits = {
  /** Whole module. */
  moduleBytes: 1_048_576,
  types: 4_096,
  parameters: 64,
  results: 16,
  functions: 10_000,
  globals: 4_096,
  exports: 4_096,
  segments: 10_000,
  /** Entries of the one table. */
  tableEntries: 65_536,
  /** One function's body. */
  bodyBytes: 262_144,
  /** Parameters and locals of one function. */
  locals: 2_000,
  /** Operands on the stack of one function at once. */
  operands: 4_096,
  /** Blocks within blocks of one function. */
  nesting: 1_024,
  /** Labels of one `br_table`. */
  branchLabels: 8_192,
  /**
   * Sum over all branches and blocks of the locals and operands alive there. A one-pass compiler keeps a state of that size
   * at each: this many take V8 about 200 MB and half a second.
   */
  mergeWork: 6_000_000,
  /** Memory a program may reach, in pages of 64 KiB (64 MiB). */
  memoryPages: 1_024,
  /** Stack of all frames together, in slots of 8 bytes (1 MiB): calling deeper traps. */
  stackSlots: 131_072,
} as const

/** Bytes of a WebAssembly page. */
export const PAGE_BYTES = 65_536

/** Thrown when a program may not run: `execution.program-invalid` or `execution.program-too-large`. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError'
  readonly code: 'execution.program-invalid' | 'execution.program-too-large'

  constructor(problem: string, code: ProgramError['code'] = 'execution.program-invalid') {
    super(problem)
    this.code = code
  }
}

/** Throws unless `value` is at most `limit`. */
export function within(value: number, limit: number, what: string): number {
  if (value > limit) throw new ProgramError(`${value} ${what}, at most ${limit}`)
  return value
}
