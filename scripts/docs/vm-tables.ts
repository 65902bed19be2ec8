/**
 * Tables of the provable machine's record.
 *
 * @module
 */
import type { Speed, VmRecord } from '../bench/vm/figures.ts'
import { shown, tableOf } from './pages.ts'

const MILLION = 1e6

/** How fast programs run. */
export function vmSpeedTable({ sha256, branchy }: VmRecord): string {
  const row = (name: string, speed: Speed) => [
    name,
    shown(speed.instructions / MILLION),
    ...[shown(speed.interpreterPerSecond / MILLION, 1), shown(speed.translatorPerSecond / MILLION)],
    `× ${shown(speed.translatorToInterpreter, 1)}`,
    speed.translatorToNative === null ? '–' : `× ${shown(speed.translatorToNative, 2)}`,
  ]
  const head = ['program', 'instructions, M', 'interpreted, M/s', 'translated, M/s', 'to interpreted', 'to native']
  return tableOf([head, row('SHA-256 over and over', sha256), row('branches', branchy)])
}

/** What committing to memory takes. */
export function vmCommitLine({ commit }: VmRecord): string {
  const { full64MiBMs, incrementalPer1000PagesMs } = commit
  return `The root of 64 MiB takes ${shown(full64MiBMs)} ms, that after 1,000 written pages ${shown(incrementalPer1000PagesMs, 1)} ms.`
}

/** Gas of steps and disputes. */
export function vmGasTable({ gas }: VmRecord): string {
  const step = (name: string, value: number) => [name, shown(value), '1', '–', '–', '–', '–']
  const disputed = (name: string, parts: VmRecord['gas']['dispute27']) => [
    name,
    ...[shown(parts.total), shown(parts.transactions), shown(parts.challenge), shown(parts.opening)],
    ...[shown(parts.asserterLists + parts.challengerLists), shown(parts.proof)],
  ]
  const head = ['what', 'gas', 'transactions', 'challenge', 'opening', 'lists', 'last move']
  return tableOf([
    head,
    step('a step on registers', gas.aluStep),
    step('a load or store', gas.memoryStep),
    step('the dearest step there is', gas.densestStep),
    disputed('dispute about 2^27 steps', gas.dispute27),
    disputed('the same, the first of a deployment', gas.first27),
    disputed('dispute about 2^40 steps', gas.dispute40),
  ])
}
