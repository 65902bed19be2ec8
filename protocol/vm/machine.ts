/**
 * One machine with a program in it: its memory, registers and counters, which engines move, and what it commits to.
 *
 * @module
 */
import { TallyError } from '../errors.ts'
import { toHex } from '../words.ts'
import type { Image } from './elf.ts'
import {
  DATA_BASE,
  DATA_BYTES,
  DATA_DEPTH,
  DATA_PAGES,
  INPUT_BASE,
  INPUT_BYTES,
  PAGE_BYTES,
  REGISTER_A0,
} from './layout.ts'
import { type MachineState, packState, STATUS, type Status } from './state.ts'
import { createMemoryTree, type MemoryTree } from './tree.ts'

/** What engines work on. It may be given, so that a WebAssembly engine finds it in its own memory. */
export type MachineMemory = {
  /** Data memory, 64 MiB from `DATA_BASE` on; its offset in its buffer is a multiple of 4. */
  readonly bytes: Uint8Array
  /** One byte per page of 4,096 bytes: whoever writes into a page puts a 1; commits and snapshots clear them. */
  readonly dirty: Uint8Array
  /** x0 to x31; x0 stays 0. */
  readonly registers: Int32Array
}

/** A machine as it stood at some step; it belongs to the machine that gave it. */
export type Snapshot = {
  readonly pc: number
  readonly steps: number
  readonly status: Status
  readonly registers: Int32Array
  /** Pages that are not as they were at the very beginning of memory, all zero. */
  readonly pages: ReadonlyMap<number, Uint8Array>
}

/** A machine. Engines set `pc`, `steps` and `status`, and write memory, dirty bytes and registers. */
export type Machine = {
  readonly image: Image
  readonly memory: MachineMemory
  /** 0 to 2^32 - 1. */
  pc: number
  /** Instructions executed so far, below 2^53. */
  steps: number
  status: Status
  /** Tree over data memory as of the last `commit`. */
  readonly memoryTree: MemoryTree
  /** Rehashes what was written since the last time; the state as the chain knows it. */
  commit(): MachineState
  /** The 201 bytes of the state, committed. */
  packedState(): Uint8Array
  /** Keeps the present moment; costs a copy of the pages written since the last snapshot. */
  snapshot(): Snapshot
  /** Goes back, or forward, to a moment that was kept. */
  restore(snapshot: Snapshot): void
}

/** Thrown when a machine cannot be started so; `code` is `machine.input`. */
export class MachineError extends TallyError {
  override readonly name = 'MachineError'

  constructor(problem: string) {
    super('machine.input', problem)
  }
}

/** Memory of a machine in plain arrays. */
export function allocateMemory(): MachineMemory {
  return {
    bytes: new Uint8Array(DATA_BYTES),
    dirty: new Uint8Array(DATA_PAGES),
    registers: new Int32Array(32),
  }
}

/**
 * A machine before its first instruction.
 *
 * @param input - At most 16 MiB.
 * @param memory - All zero.
 * @throws {@link MachineError} when the input is too long.
 */
export function createMachine(image: Image, input: Uint8Array, memory: MachineMemory = allocateMemory()): Machine {
  if (input.length > INPUT_BYTES) throw new MachineError(`input of ${input.length} bytes is longer than ${INPUT_BYTES}`)
  for (const { address, bytes } of image.segments) place(memory, address, bytes)
  place(memory, INPUT_BASE, input)
  memory.registers[REGISTER_A0] = input.length

  const memoryTree = createMemoryTree(memory.bytes, DATA_DEPTH)
  const pages = createPageKeeper(memory)
  const machine: Machine = {
    image,
    memory,
    pc: image.entry,
    steps: 0,
    status: STATUS.running,
    memoryTree,
    commit: () => {
      memoryTree.update(pages.takeUnhashed())
      const { pc, steps, status } = machine
      return {
        memoryRoot: toHex(memoryTree.root()),
        codeRoot: toHex(image.codeTree.root()),
        pc,
        registers: memory.registers.slice(),
        steps: BigInt(steps),
        status,
      }
    },
    packedState: () => packState(machine.commit()),
    snapshot: () => {
      const { pc, steps, status } = machine
      return { pc, steps, status, registers: memory.registers.slice(), pages: pages.keep() }
    },
    restore: (snapshot) => {
      machine.pc = snapshot.pc
      machine.steps = snapshot.steps
      machine.status = snapshot.status
      memory.registers.set(snapshot.registers)
      pages.restore(snapshot.pages)
    },
  }
  return machine
}

function place({ bytes, dirty }: MachineMemory, address: number, content: Uint8Array): void {
  const at = address - DATA_BASE
  bytes.set(content, at)
  dirty.fill(1, Math.floor(at / PAGE_BYTES), Math.ceil((at + content.length) / PAGE_BYTES))
}

type PageKeeper = {
  /** Marks of the pages that were written since the tree took them last. */
  takeUnhashed(): Uint8Array
  keep(): ReadonlyMap<number, Uint8Array>
  restore(pages: ReadonlyMap<number, Uint8Array>): void
}

/** Keeps pages of earlier moments; pages that did not change between two moments are kept once. */
function createPageKeeper({ bytes, dirty }: MachineMemory): PageKeeper {
  const unhashed = new Uint8Array(dirty.length)
  /** Pages as they stand in memory unless they are in `changed`. */
  let kept: ReadonlyMap<number, Uint8Array> = new Map()
  const changed = new Set<number>()

  const takeDirty = () => {
    for (let page = dirty.indexOf(1); page >= 0; page = dirty.indexOf(1, page + 1)) {
      changed.add(page)
      unhashed[page] = 1
    }
    dirty.fill(0)
  }

  return {
    takeUnhashed: () => {
      takeDirty()
      return unhashed
    },
    keep: () => {
      takeDirty()
      const now = new Map(kept)
      for (const page of changed) now.set(page, bytes.slice(PAGE_BYTES * page, PAGE_BYTES * (page + 1)))
      changed.clear()
      kept = now
      return now
    },
    restore: (pages) => {
      takeDirty()
      for (const page of new Set([...kept.keys(), ...pages.keys(), ...changed])) {
        const content = pages.get(page)
        if (content === kept.get(page) && !changed.has(page)) continue
        if (content === undefined) bytes.fill(0, PAGE_BYTES * page, PAGE_BYTES * (page + 1))
        else bytes.set(content, PAGE_BYTES * page)
        unhashed[page] = 1
      }
      changed.clear()
      kept = pages
    },
  }
}
