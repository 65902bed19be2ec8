/**
 * The examples whose programs run on the provable machine, all of one shape.
 *
 * @module
 */
import * as weather from './city-weather/workload.ts'
import * as air from './co2-curve/workload.ts'
import * as routes from './flight-routes/workload.ts'
import * as battery from './grid-battery/workload.ts'
import * as phage from './lambda-phage/workload.ts'
import * as skies from './quiet-skies/workload.ts'

/** What an example offers to whoever sells or buys its work. */
export type ProvableExample = {
  /** The folder's name, too. */
  readonly name: string
  /** What is asked, in a few words. */
  readonly title: string
  /** The ELF file that every task runs. */
  program(): Uint8Array
  /** The first `count` tasks' inputs, default all. */
  loadTasks(count?: number): { readonly inputs: Uint8Array[] }
  /** Puts the tasks' outputs together, given in the order of `loadTasks`: a table for people, and the finding in a sentence. */
  summarise(outputs: readonly Uint8Array[]): { readonly lines: string[]; readonly event: string }
}

/** Every provable example. */
export const provableExamples: readonly ProvableExample[] = [
  { name: 'lambda-phage', title: 'where reads of a genome come from', ...phage },
  { name: 'city-weather', title: 'how well weather can be told ahead', ...weather },
  { name: 'quiet-skies', title: 'when airports fell silent', ...skies, program: skies.provableProgram },
  { name: 'flight-routes', title: 'how many flights lie between any two airports', ...routes },
  { name: 'co2-curve', title: 'how fast carbon dioxide rises', ...air },
  { name: 'grid-battery', title: 'when a battery should charge', ...battery },
]
