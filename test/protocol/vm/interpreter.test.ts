/** @module */
import { expect } from 'chai'

import { loadElf } from '#protocol/vm/elf.ts'
import { interpret } from '#protocol/vm/interpreter.ts'
import { DATA_BASE } from '#protocol/vm/layout.ts'
import { allocateMemory, createMachine, type Machine } from '#protocol/vm/machine.ts'
import { statusName } from '#protocol/vm/state.ts'

import { wipe } from '../../support/vm-memory.ts'
import type { ConformanceCase, Expected } from './cases/case.ts'
import { conformanceCases, MOST_STEPS } from './conformance-cases.ts'

const memory = allocateMemory()

/** What of a machine a case speaks about. */
function seen({ status, pc, steps }: Machine, { registers, memory: expected }: Expected): Expected {
  const named = Object.keys(registers).map((register) => [register, (memory.registers[Number(register)] ?? 0) >>> 0])
  const stand = { status: statusName(status), pc, steps, registers: Object.fromEntries(named) }
  if (expected === undefined) return stand
  const at = expected.address - DATA_BASE
  const bytes = [...memory.bytes.subarray(at, at + expected.bytes.length)]
  return { ...stand, memory: { address: expected.address, bytes } }
}

function judge({ name, elf, input, expected }: ConformanceCase): void {
  const machine = createMachine(loadElf(elf), input, memory)
  interpret(machine, MOST_STEPS)
  expect(seen(machine, expected), name).to.deep.equal(expected)
  wipe(memory)
}

describe('The interpreter', () => {
  for (const [about, cases] of conformanceCases()) {
    it(`conforms in ${cases.length} cases of ${about}`, () => {
      for (const one of cases) judge(one)
    })
  }
})
