/**
 * What the demo shows while it runs and at its end: bars on a terminal, plain lines anywhere else.
 *
 * @module
 */
import { MultiBar, Presets, type SingleBar } from 'cli-progress'
import Table from 'cli-table3'
import { renderReport } from '#auditor/render.ts'
import type { AuditReport } from '#auditor/report.ts'
import { Kind, kindName } from '#protocol/types.ts'

import type { Accounts } from './accounts.ts'
import type { LocalNetwork } from './local-network.ts'
import type { Finding } from './results.ts'
import type { Verdict } from './verdict.ts'

/** Where progress is shown. */
export type Screen = {
  /** A line of its own. */
  say(line: string): void
  /** Shows that `name` is at `done` of `total`. */
  progress(name: string, done: number, total: number): void
  /** Ends the bars of a part. */
  endPart(): void
}

/** Creates the screen; `out` gets everything. */
export function createScreen(out: NodeJS.WriteStream): Screen {
  const startedMs = performance.now()
  const stamp = () => `${((performance.now() - startedMs) / 1000).toFixed(0).padStart(4)}s`
  const say = (line: string) => out.write(`${stamp()}  ${line}\n`)
  return out.isTTY ? barScreen(out, say) : lineScreen(say)
}

function barScreen(out: NodeJS.WriteStream, say: (line: string) => void): Screen {
  let bars = new Map<string, SingleBar>()
  let multi: MultiBar | null = null
  const format = '       {bar} {value}/{total}  {name}'
  return {
    say,
    progress(name, done, total) {
      multi ??= new MultiBar({ format, hideCursor: true, clearOnComplete: false, stream: out }, Presets.shades_classic)
      const bar = bars.get(name) ?? multi.create(total, 0, { name })
      bars.set(name, bar)
      bar.update(done)
    },
    endPart() {
      multi?.stop()
      multi = null
      bars = new Map()
    },
  }
}

function lineScreen(say: (line: string) => void): Screen {
  const shown = new Map<string, number>()
  return {
    say,
    progress(name, done, total) {
      // quarters: enough to see it move, few enough to read
      const quarter = Math.floor((4 * done) / total)
      if (shown.get(name) === quarter || quarter === 0) return
      shown.set(name, quarter)
      say(`${name}: ${done} of ${total}`)
    },
    endPart: () => shown.clear(),
  }
}

/** Base units of six decimals as dollars. */
export function dollars(amount: bigint): string {
  const text = amount.toString().padStart(7, '0')
  return `$${text.slice(0, -6)}.${text.slice(-6)}`
}

/** How far a kind of work can be trusted. */
const TRUST: Readonly<Record<Kind, string>> = {
  [Kind.Provable]: 'a wrong result loses on chain, to whoever proves one instruction of it',
  [Kind.Repeatable]: 'whoever doubts a result can run it again',
  [Kind.Service]: 'taken at its word',
}

/** What was bought, of which kind, and what came of it. */
export function renderFindings(findings: readonly Finding[]): string {
  return findings
    .map(({ job, tasks, lines, event }) =>
      [
        `${job.name}: ${job.title}?`,
        `${kindName(job.kind)} work, ${tasks} tasks: ${TRUST[job.kind]}`,
        '',
        ...lines,
        '',
        event,
      ].join('\n'),
    )
    .join('\n\n')
}

/** The last page: who paid, who earned, what it cost, what was checked. */
export function renderVerdict(
  network: LocalNetwork,
  accounts: Accounts,
  report: AuditReport,
  verdict: Verdict,
): string {
  const nameOf = (address: string) => network.buyers.find((buyer) => buyer.address === address)?.name ?? address
  const money = new Table({ head: ['who', 'paid', 'earned'], colAligns: ['left', 'right', 'right'], style: PLAIN })
  for (const [buyer, paid] of accounts.paidBy) money.push([`buyer ${nameOf(buyer)}`, dollars(paid), ''])
  for (const { id, name } of network.providers) {
    money.push([`provider ${name}`, '', dollars(accounts.earned.get(id) ?? 0n)])
  }
  money.push(['protocol fee', '', dollars(accounts.protocolFee)], ['committee fee', '', dollars(accounts.committeeFee)])

  const lanes = new Table({ head: ['lane', 'batches', 'gas'], colAligns: ['left', 'right', 'right'], style: PLAIN })
  for (const [lane, { batches, gas }] of Object.entries(accounts.lanes)) {
    lanes.push([lane.toLowerCase(), batches, gas.toLocaleString('en')])
  }
  const checks = verdict.invariants.map(({ name, ok }) => `${ok ? 'holds ' : 'BROKEN'}  ${name}`)
  return [
    ...['', money.toString(), '', lanes.toString(), ''],
    `${verdict.receipts} receipts in ${verdict.batches} batches, ${verdict.gasPerReceipt.toLocaleString('en')} gas per receipt`,
    ...['', renderReport({ ...report, invariants: [] }), ''],
    ...[...checks, '', verdict.ok ? 'clean' : 'NOT CLEAN'],
  ].join('\n')
}

/** No colours: the page is read in logs as well. */
const PLAIN = { head: [], border: [] }
