/**
 * What is for sale in the demo: programs of both kinds, each with the tasks that buyers order.
 *
 * @module
 */
import type { Hex } from 'viem'

import { dataRoot } from '#protocol/merkle.ts'
import { Kind } from '#protocol/types.ts'
import { loadElf, programHash } from '#protocol/vm/elf.ts'

import { provableExamples } from '../../examples/provable.ts'
import * as quietSkies from '../../examples/quiet-skies/workload.ts'

/** A program on sale. */
export type Job = {
  /** Of the example. */
  readonly name: string
  /** What is asked, in a few words. */
  readonly title: string
  readonly kind: Kind
  /** What its offers name. */
  readonly root: Hex
  readonly program: Uint8Array
  /** Most units one task may take. */
  readonly maxUnits: bigint
  /** The first `count` tasks' inputs. */
  readonly loadTasks: (count: number) => { readonly inputs: readonly Uint8Array[] }
  /** Puts the tasks' outputs together, in the order of the tasks. */
  readonly summarise: (outputs: readonly Uint8Array[]) => { readonly lines: readonly string[]; readonly event: string }
}

function provableJob(name: string, maxUnits: bigint): Job {
  const example = provableExamples.find((one) => one.name === name)
  if (example === undefined) throw new Error(`there is no provable example ${name}`)
  const program = example.program()
  return { ...example, kind: Kind.Provable, program, root: programHash(loadElf(program)), maxUnits }
}

function repeatableJob(
  example: Pick<Job, 'name' | 'title' | 'maxUnits' | 'loadTasks' | 'summarise'>,
  program: Uint8Array,
): Job {
  return { ...example, kind: Kind.Repeatable, program, root: dataRoot(program) }
}

const title = 'when did an airport suddenly fall silent'

/** Anybody can run it again: its results are re-executed by the committee and the auditor. */
export const QUIET_SKIES = repeatableJob(
  { name: 'quiet-skies', title, maxUnits: 60n, ...quietSkies },
  quietSkies.program(),
)

/** Every instruction of it can be held against its receipt on chain. */
export const LAMBDA_PHAGE = provableJob('lambda-phage', 60n)

/** The same. */
export const CITY_WEATHER = provableJob('city-weather', 120n)

/** All of them. */
export const JOBS: readonly Job[] = [QUIET_SKIES, LAMBDA_PHAGE, CITY_WEATHER]
