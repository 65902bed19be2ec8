/**
 * A machine's state as the chain knows it: `memoryRoot (32) ‖ codeRoot (32) ‖ core (137)`, and its hash.
 *
 * core = `pc (4) ‖ x1 … x31 (4 each) ‖ steps (8) ‖ status (1)`, big-endian.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from '../errors.ts'
import { concatBytes, fixedBytes, keccak, toHex } from '../words.ts'

/** Numbers of a status as the state holds them. */
export const STATUS = { running: 0, halted: 1, trapped: 2 } as const
/** Whether a machine still runs, and if not, why. */
export type StatusName = keyof typeof STATUS
export type Status = (typeof STATUS)[StatusName]

const STATUS_NAMES: readonly StatusName[] = ['running', 'halted', 'trapped']

/** Bytes of a packed core. */
export const CORE_BYTES = 137
/** Bytes of a packed state. */
export const STATE_BYTES = 201
const STEPS_AT = 128
const STATUS_AT = 136

/** What a machine holds besides its memory. */
export type Core = {
  readonly pc: number
  /** x0 to x31, signed; x0 is 0. */
  readonly registers: Int32Array
  readonly steps: bigint
  readonly status: Status
}

/** A whole state, memory by its roots. */
export type MachineState = Core & { readonly memoryRoot: Hex; readonly codeRoot: Hex }

/** Thrown when bytes are no state of a machine; `code` is `machine.state`. */
export class StateError extends TallyError {
  override readonly name = 'StateError'

  constructor(problem: string) {
    super('machine.state', `state ${problem}`)
  }
}

/** Name of a status' number. */
export function statusName(status: Status): StatusName {
  return STATUS_NAMES[status] ?? 'trapped'
}

/** The 137 bytes of a core. */
export function packCore({ pc, registers, steps, status }: Core): Uint8Array {
  const bytes = new Uint8Array(CORE_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, pc)
  for (let at = 1; at < 32; at += 1) view.setInt32(4 * at, registers[at] ?? 0)
  view.setBigUint64(STEPS_AT, steps)
  view.setUint8(STATUS_AT, status)
  return bytes
}

/**
 * A core from its 137 bytes.
 *
 * @throws {@link StateError} when it has another length or a status that does not exist.
 */
export function parseCore(bytes: Uint8Array): Core {
  if (bytes.length !== CORE_BYTES) throw new StateError(`has a core of ${bytes.length} bytes instead of ${CORE_BYTES}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const registers = new Int32Array(32)
  for (let at = 1; at < 32; at += 1) registers[at] = view.getInt32(4 * at)
  const status = view.getUint8(STATUS_AT)
  if (status !== STATUS.running && status !== STATUS.halted && status !== STATUS.trapped)
    throw new StateError(`has the status ${status}, which does not exist`)
  return { pc: view.getUint32(0), registers, steps: view.getBigUint64(STEPS_AT), status }
}

/** The 201 bytes of a state. */
export function packState(state: MachineState): Uint8Array {
  const roots = [fixedBytes(state.memoryRoot, 32, 'memoryRoot'), fixedBytes(state.codeRoot, 32, 'codeRoot')]
  return concatBytes([...roots, packCore(state)])
}

/**
 * A state from its 201 bytes.
 *
 * @throws {@link StateError} when it has another length or a status that does not exist.
 */
export function parseState(bytes: Uint8Array): MachineState {
  if (bytes.length !== STATE_BYTES) throw new StateError(`has ${bytes.length} bytes instead of ${STATE_BYTES}`)
  const core = parseCore(bytes.subarray(64))
  return { memoryRoot: toHex(bytes.subarray(0, 32)), codeRoot: toHex(bytes.subarray(32, 64)), ...core }
}

/** Hash that stands for a state, of its 201 bytes. */
export function stateHash(packed: Uint8Array): Hex {
  return toHex(keccak(packed))
}
