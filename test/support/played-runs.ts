/**
 * Runs of provable programs as the sides of a game hold them: an honest one, those that go wrong at a step, and runs that
 * never were, of which only a few states are real.
 *
 * @module
 */
import { type Hex, keccak256, toHex } from 'viem'

import { type Opening, openingEnds } from '#protocol/bisection-opening.ts'
import { dataRoot } from '#protocol/merkle.ts'
import { loadElf, programHash } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { OUTPUT_BYTES, OUTPUT_DEPTH, PROGRAM_DEPTH } from '#protocol/vm/layout.ts'
import { createMachine, type Machine } from '#protocol/vm/machine.ts'
import { plainHashOf } from '#protocol/vm/result.ts'
import { packCore, packState, STATUS, stateHash } from '#protocol/vm/state.ts'
import { paddedRoot } from '#protocol/vm/tree.ts'
import { witnessOf } from '#protocol/vm/witness.ts'
import { outputCommitment, workHash } from '#protocol/work.ts'

const KEPT_EVERY = 2 ** 14

/** A program on an input, with the units it may use. */
export type Job = { readonly elf: Uint8Array; readonly input: Uint8Array; readonly maxUnits: bigint }

/** A run that one side of a game stands by. */
export type Run = {
  /** State hash after so many steps. */
  at(step: bigint): Hex
  /** Witness of the step after so many. */
  witness(step: bigint): Hex
  /** Its last step. */
  readonly steps: bigint
}

/** Something that goes wrong in a run: what a machine is changed to before it goes on. */
export type Mistake = { readonly step: number; readonly change: (machine: Machine) => void }

/** A run on a machine, that may go wrong once; any step can be asked for at any time. */
export function runOf(job: Job, mistake?: Mistake): Run & { final(): Machine } {
  const limit = Number(job.maxUnits) * 1_000_000
  const machine = createMachine(loadElf(job.elf), job.input)
  let isDone = mistake === undefined
  const goOn = (to: number) => {
    if (mistake !== undefined && !isDone && mistake.step <= to) {
      interpret(machine, mistake.step)
      mistake.change(machine)
      isDone = true
    }
    interpret(machine, to)
  }
  const keep = () => ({ snapshot: machine.snapshot(), isDone })
  const kept = [keep()]
  while (machine.status === STATUS.running && machine.steps < limit) {
    goOn(Math.min(limit, machine.steps + KEPT_EVERY))
    kept.push(keep())
  }
  const steps = machine.steps
  const moveTo = (step: bigint): Machine => {
    const from = kept.findLast(({ snapshot }) => snapshot.steps <= Number(step))
    if (from === undefined) throw new Error(`there is no step ${step}`)
    machine.restore(from.snapshot)
    isDone = from.isDone
    goOn(Number(step))
    return machine
  }
  return {
    steps: BigInt(steps),
    at: (step) => stateHash(packState(moveTo(step).commit())),
    witness: (step) => toHex(witnessOf(moveTo(step))),
    final: () => moveTo(BigInt(steps)),
  }
}

/** A run as `real` up to a step; of what it says came then nothing ever was. */
export function inventedFrom(real: Run, step: bigint, salt: string): Run {
  const invented = (at: bigint): Hex => keccak256(toHex(`${salt} ${at}`))
  return { ...real, at: (at) => (at < step ? real.at(at) : invented(at)) }
}

/** What a receipt for a run is made of. */
export type Statement = {
  readonly taskHash: Hex
  readonly workHash: Hex
  readonly units: bigint
  readonly opening: Opening
}

/** What an order says of a task. */
export type Ordered = { readonly index: bigint; readonly maxUnits: bigint }

/**
 * The receipt's content and the opening for a run.
 *
 * @param taskHashOf - Task hash for an input root.
 * @param final - The last state as its provider says.
 * @param run - States of the first list but for the last one, which is the final state's.
 */
export function statementOf(
  { elf, input }: Job,
  ordered: Ordered,
  taskHashOf: (inputRoot: Hex) => Hex,
  final: Machine,
  run: Run,
): Statement {
  const image = loadElf(elf)
  const state = final.commit()
  const hash = stateHash(packState(state))
  const said = state.status === STATUS.halted ? (state.registers[11] ?? 0) >>> 0 : 0
  const length = said <= OUTPUT_BYTES ? said : 0
  const output = final.memory.bytes.slice(0x200_0000, 0x200_0000 + length)
  const outputRoot = dataRoot(output)
  const taskHash = taskHashOf(dataRoot(input))
  const times = { startedAt: 1_700_000_000n, endedAt: 1_700_000_100n }
  const commitment = outputCommitment(outputRoot, plainHashOf(outputRoot, hash))
  const initial = createMachine(image, input)
  initial.commit()
  const region = (machine: Machine, index: number) => toHex(machine.memoryTree.nodeAt(OUTPUT_DEPTH, index))
  // before the list is asked for, which moves the same machine
  const lastState = {
    programRoot: toHex(final.memoryTree.nodeAt(PROGRAM_DEPTH, 0)),
    output: length > 0 ? toHex(paddedRoot(output).root) : region(final, 2),
    inputRoot: region(final, 3),
    core: toHex(packCore(state)),
  }
  return {
    taskHash,
    workHash: workHash({ taskHash, outputCommitment: commitment, ...times }),
    units: (state.steps + 999_999n) / 1_000_000n,
    opening: {
      ...times,
      order: ordered,
      input: { length: input.length, tree: toHex(paddedRoot(input).root) },
      program: {
        codeRoot: toHex(image.codeTree.root()),
        programRoot: toHex(initial.memoryTree.nodeAt(PROGRAM_DEPTH, 0)),
        entry: image.entry,
      },
      final: lastState,
      list: openingEnds(state.steps).map((end) => (end === state.steps ? hash : run.at(end))),
    },
  }
}

/** Name of a job's program, as an offer has it. */
export const programOf = ({ elf }: Job): Hex => programHash(loadElf(elf))
