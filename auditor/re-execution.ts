/**
 * Runs paid receipts again, where somebody serves what they were made of.
 *
 * Nothing that is fetched is believed: orders are signed by the deal's order key, bytes hash to their roots, and the
 * preimage hashes to the receipt's own work hash. What cannot be had is counted as open; what comes out differently, or
 * breaks its order, is a discrepancy.
 *
 * @module
 */
import { type Hex, zeroHash } from 'viem'
import { z } from 'zod'

import { isNamedBy, isProgram, MAX_CONTENT_BYTES } from '#protocol/content.ts'
import { orderDigest, taskHash } from '#protocol/eip712.ts'
import { recoverCompact } from '#protocol/signature.ts'
import { STATE_BYTES } from '#protocol/vm/state.ts'
import { toHex } from '#protocol/words.ts'
import { isRunnable, outputCommitment, workHash } from '#protocol/work.ts'
import { createTaskDoer, type DoneTask, type DoTask, type TaskExecutor } from '#runtime/tasks.ts'

import type { ReExecute } from './audit.ts'
import type { Findings, PaidWork } from './findings.ts'
import type { DiscrepancyKind } from './report.ts'
import { addressKey, type Deal, type State } from './state.ts'

/** What re-execution needs of the world. */
export type ReExecutionOptions = {
  executor: TaskExecutor
  /** Base URLs that may serve preimages and data, asked before the committee's own. */
  urls: readonly string[]
  fetch: typeof fetch
  signal?: AbortSignal
  /** Longest wait for one answer, default 10,000 ms. */
  timeoutMs?: number
}

const hash = z.templateLiteral(['0x', z.string().regex(/^[0-9a-f]{64}$/i)])
const whole = z
  .string()
  .regex(/^[0-9]{1,20}$/)
  .transform(BigInt)
const preimage = z.object({
  order: z.object({ index: whole, inputRoot: hash, maxUnits: whole, signature: z.templateLiteral(['0x', z.string()]) }),
  outputRoot: hash,
  plainHash: hash,
  startedAt: z.number().int().nonnegative(),
  endedAt: z.number().int().nonnegative(),
  finalState: z.templateLiteral(['0x', z.string().regex(new RegExp(`^[0-9a-f]{${2 * STATE_BYTES}}$`, 'i'))]).optional(),
})

/** Answer to `GET /v1/work/{workHash}`: what a receipt's work hash was made of. */
export type Preimage = z.output<typeof preimage>

type Verdict = { ran: boolean; task?: string; problem?: { kind: DiscrepancyKind; detail: string } | undefined }
type Tools = { library: Library; doTask: DoTask; signal: AbortSignal | undefined }
type Library = { data: (root: Hex) => Promise<Uint8Array | null>; preimage: (hash: Hex) => Promise<Preimage | null> }

const MAX_ANSWER_BYTES = MAX_CONTENT_BYTES
const PARALLEL = 8
const OPEN: Verdict = { ran: false }

/** Everything that may serve data: the named URLs, then the endpoints of every committee member there ever was. */
function placesOf(state: State, urls: readonly string[]): string[] {
  const members = [...state.epochs.values()].flatMap(({ endpoints }) => [...endpoints.values()])
  return [...new Set([...urls, ...members])].filter((url) => URL.canParse(url))
}

function createLibrary(state: State, options: ReExecutionOptions): Library {
  const places = placesOf(state, options.urls)
  const silent = new Set<string>()
  const cache = new Map<string, Uint8Array>()

  async function get(place: string, path: string): Promise<Uint8Array | null> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? 10_000)
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
    try {
      const answer = await options.fetch(new URL(path, place), { signal })
      if (!answer.ok) return null
      const bytes = new Uint8Array(await answer.arrayBuffer())
      return bytes.length <= MAX_ANSWER_BYTES ? bytes : null
    } catch {
      options.signal?.throwIfAborted()
      // whoever does not answer once is not asked again: an audit has to end
      silent.add(place)
      return null
    }
  }

  async function first<found>(path: string, read: (bytes: Uint8Array) => found | null): Promise<found | null> {
    for (const place of places) {
      if (silent.has(place)) continue
      const bytes = await get(place, path)
      const answer = bytes === null ? null : read(bytes)
      if (answer !== null) return answer
    }
    return null
  }

  return {
    data: async (root) => {
      const known = cache.get(root)
      if (known !== undefined) return known
      const bytes = await first(`/v1/data/${root}`, (one) => (isNamedBy(root, one) ? one : null))
      if (bytes !== null) cache.set(root, bytes)
      return bytes
    },
    preimage: async (wanted) => await first(`/v1/work/${wanted}`, readPreimage),
  }
}

function readPreimage(bytes: Uint8Array): Preimage | null {
  try {
    return preimage.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch {
    // an answer of another shape is no preimage; another place may have it
    return null
  }
}

const wrong = (kind: DiscrepancyKind, detail: string): Verdict => ({ ran: false, problem: { kind, detail } })

/** The order behind a receipt, checked; what is wrong with it otherwise. */
function checkOrder(state: State, deal: Deal, paid: PaidWork, found: Preimage): Verdict | null {
  const { order } = found
  const message = { dealKey: paid.dealKey, index: order.index, inputRoot: order.inputRoot, maxUnits: order.maxUnits }
  const signer = recoverCompact(orderDigest(message, state.domain), order.signature)
  const isOrdered = signer !== null && deal.orderKeys.includes(addressKey(signer))
  // a task of the root agreed on at opening needs no signature, and its proof is not served: open, not wrong
  if (!isOrdered && deal.taskRoot !== zeroHash) return OPEN
  if (!isOrdered) return wrong('order', `task ${order.index} of deal ${deal.id} was not ordered by its order key`)
  if (paid.units > order.maxUnits) {
    return wrong('order', `task ${order.index} of deal ${deal.id} was paid ${paid.units} units, over ${order.maxUnits}`)
  }
  return null
}

function matches(paid: PaidWork, found: Preimage): boolean {
  const { index, inputRoot, maxUnits } = found.order
  const task = taskHash({ dealKey: paid.dealKey, index, inputRoot, maxUnits })
  const commitment = outputCommitment(found.outputRoot, found.plainHash)
  const { startedAt, endedAt } = found
  const times = { startedAt: BigInt(startedAt), endedAt: BigInt(endedAt) }
  return workHash({ taskHash: task, outputCommitment: commitment, ...times }) === paid.workHash
}

async function runAgain(tools: Tools, { kind, program: name }: Deal, found: Preimage): Promise<DoneTask | null> {
  if (!isRunnable(kind)) return null
  const { library, doTask, signal } = tools
  const [program, input] = await Promise.all([library.data(name), library.data(found.order.inputRoot)])
  if (program === null || input === null || !isProgram(kind, name, program)) return null
  try {
    const limits = signal === undefined ? {} : { signal }
    return await doTask({ kind, program, input, maxUnits: found.order.maxUnits }, limits)
  } catch {
    signal?.throwIfAborted()
    // this machine could not run it (time, memory): open, not wrong
    return null
  }
}

async function judge(state: State, tools: Tools, paid: PaidWork): Promise<Verdict> {
  const deal = state.dealsByKey.get(paid.dealKey)
  const found = await tools.library.preimage(paid.workHash)
  if (deal === undefined || found === null || !matches(paid, found)) return OPEN
  const disorder = checkOrder(state, deal, paid, found)
  if (disorder !== null) return disorder
  const done = await runAgain(tools, deal, found)
  if (done === null) return OPEN
  const task = `${paid.dealKey} ${found.order.index}`
  const difference = differenceOf(done, found, paid)
  if (difference === null) return { ran: true, task }
  return wrong('result', `task ${found.order.index} of deal ${deal.id} ${difference}`)
}

/** What comes out otherwise than was paid for; null when nothing does. */
function differenceOf(done: DoneTask, found: Preimage, paid: PaidWork): string | null {
  if (done.plainHash !== found.plainHash) {
    const isSameOutput = done.finalState !== null && done.outputRoot === found.outputRoot
    return isSameOutput ? 'ends in another state of the machine when run again' : 'gives another result when run again'
  }
  if (found.finalState !== undefined && found.finalState.toLowerCase() !== stateOf(done)) {
    return 'is served with another final state than it was paid for'
  }
  if (done.units === paid.units) return null
  return `takes ${done.units} units when run again, ${paid.units} were paid`
}

function stateOf({ finalState }: DoneTask): string | null {
  return finalState === null ? null : toHex(finalState)
}

/** Makes the re-execution step of an audit. */
export function createReExecution(options: ReExecutionOptions): ReExecute {
  return async (state, findings, paid) => {
    const library = createLibrary(state, options)
    const tools = { library, doTask: createTaskDoer(options.executor), signal: options.signal }
    const tasks = new Set<string>()
    let reExecuted = 0
    for (let start = 0; start < paid.length; start += PARALLEL) {
      options.signal?.throwIfAborted()
      const chunk = paid.slice(start, start + PARALLEL)
      const judged = await Promise.all(chunk.map(async (one) => ({ one, verdict: await judge(state, tools, one) })))
      for (const { one, verdict } of judged)
        reportVerdict(findings, one, verdict.problem ?? billedTwice(tasks, verdict))
      reExecuted += judged.filter(({ verdict }) => verdict.ran).length
    }
    return { reExecuted, notReExecuted: paid.length - reExecuted }
  }
}

function reportVerdict(findings: Findings, { tx, block, group }: PaidWork, problem: Verdict['problem']): void {
  if (problem !== undefined) findings.add({ ...problem, tx, block, group })
}

/** Remembers the task; a problem when it was billed before. */
function billedTwice(tasks: Set<string>, { task }: Verdict): Verdict['problem'] {
  if (task === undefined) return undefined
  const isNew = !tasks.has(task)
  tasks.add(task)
  return isNew ? undefined : { kind: 'duplicate-task', detail: `task ${task} was paid before` }
}
