/**
 * Does provable work again that was paid for, and challenges what comes out otherwise.
 *
 * One receipt after the other, beside everything else that a watcher does; which ones is a draw by their work hashes, so that no
 * provider can tell beforehand. After a restart those whose games it plays come first.
 *
 * @module
 */
import { type Address, type Hex, hexToBigInt, keccak256, type PublicClient } from 'viem'
import { Kind } from '#protocol/types.ts'
import { concatBytes, toBytes } from '#protocol/words.ts'
import type { Sender } from '#runtime/act-sender.ts'
import type { Court, CourtGame, CourtView } from '#runtime/games/court.ts'
import type { Purse } from '#runtime/games/purse.ts'
import type { Logger } from '#runtime/log.ts'
import type { ProvableExecutor } from '#runtime/provable-execution.ts'

import { type Challenger, createChallenger, type Wrong } from '../challenge/challenger.ts'
import { gather } from '../challenge/sources.ts'
import { bondOf, findTargets, type Target, targetsIn } from '../challenge/targets.ts'
import { judge } from '../challenge/verdict.ts'
import type { Book, BookGroup } from './book.ts'
import type { ReadInterval } from './places.ts'

/** Watches over results. */
export type Results = {
  /** Takes in groups that were settled. */
  add(groups: readonly BookGroup[], book: Book): void
  /** Goes on: looks at further receipts, challenges what is wrong, plays. */
  step(book: Book, places: readonly string[]): Promise<void>
}

/** Receipts that wait to be looked at; of more the oldest are let go. */
const MAX_WAITING = 10_000
/** Times that a receipt's preimage, program and input are asked for. */
const MAX_TRIES = 5
const RETRY_MS = 60_000
/** What was settled longer ago has matured in every lane, and nothing can be made void any more: seconds. */
const TOO_LATE = 5 * 86_400
const WHOLE = 2n ** 64n
const PER_MILLE = 1_000n

type Suspect = { readonly target: Target; tries: number; notBefore: number }

/**
 * Creates the watch.
 *
 * @param options - `perMille`: of a thousand receipts so many are looked at; `budget`: most to have bound in bonds at once,
 *   settlement token base units; `salt`: makes the draw this watcher's own.
 */
export function createResults(options: {
  readonly client: PublicClient
  readonly court: Court
  readonly settlement: Address
  readonly sender: Sender
  readonly purse: Purse
  readonly executor: ProvableExecutor
  readonly readInterval: ReadInterval
  readonly perMille: number
  readonly budget: bigint
  readonly salt: Hex
  readonly log: Logger
  readonly nowMs: () => number
  readonly signal: AbortSignal
}): Results {
  const { client, court, executor, perMille, budget, salt, log, nowMs, signal } = options
  const challenger: Challenger = createChallenger(options)
  const waiting: Suspect[] = []
  const wrongs = new Map<Hex, Wrong>()
  let isLooking = false
  /** Work hashes whose games are open. */
  let played: ReadonlySet<Hex> = new Set()

  function isDrawn({ receipt }: Target): boolean {
    const draw = hexToBigInt(keccak256(concatBytes([toBytes(salt), toBytes(receipt.workHash)]))) % WHOLE
    return draw * PER_MILLE < BigInt(perMille) * WHOLE
  }

  function openIn({ games }: CourtView): CourtGame[] {
    const own = options.sender.address.toLowerCase()
    return [...games.values()].filter(
      ({ facts, outcome }) => outcome === null && facts.challenger.toLowerCase() === own,
    )
  }

  async function look(suspect: Suspect, places: readonly string[]): Promise<void> {
    const { deal, receipt } = suspect.target
    const wanted = { dealKey: deal.key, program: deal.offer.program, workHash: receipt.workHash }
    const evidence = await gather(wanted, places, { signal })
    if ('missing' in evidence) {
      suspect.tries += 1
      suspect.notBefore = nowMs() + RETRY_MS
      if (suspect.tries < MAX_TRIES) waiting.push(suspect)
      log.debug({ workHash: receipt.workHash, missing: evidence.missing }, 'a receipt cannot be checked')
      return
    }
    const { difference } = await judge(evidence, receipt.units, executor, signal)
    if (difference === null) return
    wrongs.set(receipt.workHash, { target: suspect.target, evidence })
    log.warn({ workHash: receipt.workHash, deal: deal.id, difference }, 'a paid result is wrong')
  }

  /** The next receipt to look at: one whose game is being played, else the one that waits longest. */
  function next(): Suspect | undefined {
    const due = waiting.filter(({ notBefore }) => notBefore <= nowMs())
    const suspect = due.find(({ target }) => played.has(target.receipt.workHash)) ?? due[0]
    if (suspect !== undefined) waiting.splice(waiting.indexOf(suspect), 1)
    return suspect
  }

  async function lookAtAll(places: readonly string[]): Promise<void> {
    for (let suspect = next(); suspect !== undefined && !signal.aborted; suspect = next()) {
      const { workHash } = suspect.target.receipt
      await look(suspect, places).catch((error: unknown) => {
        if (!signal.aborted) log.warn({ err: error, workHash }, 'could not be run again')
      })
    }
  }

  /** Goes on in the background, with what can still be made void. */
  function lookOn(view: CourtView, places: readonly string[]): void {
    played = new Set(openIn(view).map(({ claim }) => claim.facts.workHash))
    const inTime = waiting.filter(({ target }) => target.group.batch.time + TOO_LATE >= view.clock)
    waiting.splice(0, waiting.length, ...inTime)
    if (isLooking) return
    isLooking = true
    void lookAtAll(places).finally(() => {
      isLooking = false
    })
  }

  /** The same receipt as the chain has it now. */
  function settledIn(book: Book, { target, evidence }: Wrong): Wrong | null {
    const { workHash } = target.receipt
    const now = findTargets(book, { workHash }).find(({ deal }) => deal.key === target.deal.key)
    return now === undefined ? null : { target: now, evidence }
  }

  /** Challenges what is not challenged yet, one receipt at a time and as far as the budget goes. */
  async function challengeAll(known: readonly Wrong[], book: Book, view: CourtView): Promise<void> {
    const bound = openIn(view).reduce((sum, { facts }) => sum + facts.bond, 0n)
    for (const wrong of known) {
      if (!(await isAffordable(wrong.target, bound))) continue
      const standing = await challenger.challenge(wrong, book, view)
      if (standing.kind === 'refused') log.info({ reason: standing.reason }, 'a challenge is refused')
      if (standing.kind === 'paying' || standing.kind === 'sent') return
    }
  }

  async function isAffordable(target: Target, bound: bigint): Promise<boolean> {
    return bound + (await bondOf(client, court.address, target)) <= budget
  }

  return {
    add(groups, book) {
      for (const group of groups) {
        const deal = book.deals.get(group.tally.tally.dealKey)
        if (deal?.offer.kind !== Kind.Provable) continue
        for (const target of targetsIn(group, deal).filter(isDrawn)) waiting.push({ target, tries: 0, notBefore: 0 })
      }
      waiting.splice(0, waiting.length - MAX_WAITING)
    },

    async step(book, places) {
      const view = await court.read()
      lookOn(view, places)
      if (wrongs.size === 0) return
      const known = [...wrongs.values()].flatMap((wrong) => settledIn(book, wrong) ?? [])
      await challengeAll(known, book, view)
      await challenger.play(known, view)
      if (openIn(view).length === 0) await options.purse.collect()
    },
  }
}
