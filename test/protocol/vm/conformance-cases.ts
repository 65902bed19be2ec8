/**
 * Cases of every RV32IM instruction and of every rule of the machine, for each engine to run.
 *
 * @module
 */
import { arithmeticCases } from './cases/arithmetic-cases.ts'
import type { ConformanceCase } from './cases/case.ts'
import { encodingCases } from './cases/encoding-cases.ts'
import { jumpCases } from './cases/jump-cases.ts'
import { memoryCases } from './cases/memory-cases.ts'

/** Instructions after which a case that did not end has failed. */
export const MOST_STEPS = 1_000

/** All cases, by what they are about. */
export function conformanceCases(): ReadonlyMap<string, readonly ConformanceCase[]> {
  const cases = new Map<string, ConformanceCase[]>()
  for (const one of [...arithmeticCases(), ...memoryCases(), ...jumpCases(), ...encodingCases()])
    cases.set(one.about, [...(cases.get(one.about) ?? []), one])
  return cases
}
