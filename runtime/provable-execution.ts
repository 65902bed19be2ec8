/**
 * Runs of provable programs as nodes see them: what goes in, what comes out, and what a player of a dispute asks for.
 *
 * Same program, input and maximum give the same execution on every machine, to the last bit of the final state.
 *
 * @module
 */
import type { Hex } from 'viem'

/** A provable program, what it works on, and the most it may use. */
export type ProvableRequest = {
  /** The ELF file. */
  readonly program: Uint8Array
  /** At most 16 MiB. */
  readonly input: Uint8Array
  /** 1 to 2⁴⁸ − 1; a unit is 10⁶ instructions. */
  readonly maxUnits: bigint
}

/** How a provable program ended; all three are payable. */
export type ProvableExecution = {
  /** 0 halted, 1 trapped, 2 out of units. */
  readonly status: 0 | 1 | 2
  /** The first bytes of the output region, as many as the program said; empty unless halted. */
  readonly output: Uint8Array
  /** `max(1, ceil(instructions / 10⁶))`; the maximum when out of units. */
  readonly units: bigint
  /** Instructions executed, the one that halted or trapped included. */
  readonly instructions: bigint
  /** The 201 bytes of the last state: memory root, code root, core. */
  readonly finalState: Uint8Array
  /** What its memory root is made of. */
  readonly regions: RegionRoots
}

/** Roots of data memory's regions: memory root = keccak256(program ‖ keccak256(output ‖ input)). */
export type RegionRoots = {
  /** Of 20 levels. */
  readonly program: Hex
  /** Of 19 levels, like the input's. */
  readonly output: Hex
  readonly input: Hex
}

/** A run and moments of it, as counts of instructions. */
export type StatesRequest = Omit<ProvableRequest, 'maxUnits'> & {
  /** Ascending, below 2⁵³, at most 65,536 of them. */
  readonly steps: readonly bigint[]
}

/** A run and one instruction of it. */
export type WitnessRequest = Omit<ProvableRequest, 'maxUnits'> & {
  /** Instructions executed before it. */
  readonly step: bigint
}

/** Runs provable programs in processes of its own, and looks into their runs. */
export type ProvableExecutor = {
  /**
   * Runs a program to its end.
   *
   * @throws ExecutionError: nothing is payable, for example `execution.output-dirty`. Or the signal's reason.
   */
  executeProvable(request: ProvableRequest, options?: { readonly signal?: AbortSignal }): Promise<ProvableExecution>
  /**
   * The 201 bytes of the state after each of the given counts of instructions; a run that has ended stays as it is.
   *
   * @throws ExecutionError, or the signal's reason.
   */
  traceStates(request: StatesRequest, options?: { readonly signal?: AbortSignal }): Promise<readonly Uint8Array[]>
  /**
   * What the one-step verifier needs to execute the instruction after the first `step` ones.
   *
   * @throws ExecutionError, or the signal's reason.
   */
  witnessAt(request: WitnessRequest, options?: { readonly signal?: AbortSignal }): Promise<Uint8Array>
}
