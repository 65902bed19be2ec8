/**
 * Challenges receipts that are known to be wrong, each once, and plays the games to their ends.
 *
 * @module
 */
import { type Address, BaseError, type Hex, type PublicClient } from 'viem'

import { ClaimState } from '#protocol/disputes.ts'
import type { Sender } from '#runtime/act-sender.ts'
import type { Court, CourtGame, CourtView } from '#runtime/games/court.ts'
import { createPlayer, type Turned } from '#runtime/games/player.ts'
import type { Purse } from '#runtime/games/purse.ts'
import { createTruth } from '#runtime/games/truth.ts'
import type { Logger } from '#runtime/log.ts'
import type { ProvableExecutor } from '#runtime/provable-execution.ts'

import type { Book } from '../watch/book.ts'
import type { ReadInterval } from '../watch/places.ts'
import type { Evidence } from './sources.ts'
import { bondOf, challengeCall, isAbout, type Target } from './targets.ts'

/** A receipt that is wrong, and what shows it. */
export type Wrong = { readonly target: Target; readonly evidence: Evidence }

/** Where the challenge of a receipt stands. `refused`: the chain would not have it, for this reason. */
export type Standing =
  | { readonly kind: 'playing' | 'ended'; readonly game: CourtGame }
  | { readonly kind: 'refuted' | 'paying' | 'sent' }
  | { readonly kind: 'refused'; readonly reason: string }

/** Challenges and plays. */
export type Challenger = {
  /** Brings a receipt before the court unless it is there. */
  challenge(wrong: Wrong, book: Book, view: CourtView): Promise<Standing>
  /** Plays every open game of this key on these receipts. */
  play(wrongs: readonly Wrong[], view: CourtView): Promise<readonly Turned[]>
}

/** Creates the challenger of one key. */
export function createChallenger(options: {
  readonly client: PublicClient
  readonly court: Court
  readonly settlement: Address
  readonly sender: Sender
  readonly purse: Purse
  readonly executor: Pick<ProvableExecutor, 'traceStates' | 'witnessAt'>
  readonly readInterval: ReadInterval
  readonly log: Logger
  readonly signal: AbortSignal
}): Challenger {
  const { client, court, settlement, sender, purse, executor, readInterval, log, signal } = options
  let wrongs: readonly Wrong[] = []
  const truths = new WeakMap<Evidence, ReturnType<typeof createTruth>>()

  const isMine = ({ facts }: CourtGame) => facts.challenger.toLowerCase() === sender.address.toLowerCase()

  function truthOf(evidence: Evidence) {
    const truth = truths.get(evidence) ?? createTruth(executor, evidence, { signal })
    truths.set(evidence, truth)
    return truth
  }

  const player = createPlayer({
    ...{ court, settlement, sender, purse, log },
    seatOf(game) {
      const wrong = isMine(game) ? wrongs.find(({ target }) => isAbout(game.claim.facts, target)) : undefined
      return wrong === undefined ? null : { side: 'challenger', truth: async () => truthOf(wrong.evidence) }
    },
  })

  function standingOf(target: Target, { games, claims }: CourtView): Standing | null {
    const mine = [...games.values()].filter((game) => isMine(game) && isAbout(game.claim.facts, target))
    const game = mine.find(({ outcome }) => outcome === null) ?? mine.at(-1)
    if (game !== undefined) return { kind: game.outcome === null ? 'playing' : 'ended', game }
    const isRefuted = [...claims.values()].some(
      ({ facts, state }) => state === ClaimState.Refuted && isAbout(facts, target),
    )
    return isRefuted ? { kind: 'refuted' } : null
  }

  /** Why the chain would refuse a call; null if it would not. */
  async function refusal(data: Hex): Promise<string | null> {
    return await client.call({ account: sender.address, to: court.address, data }).then(() => null, reasonOf)
  }

  async function open(target: Target, book: Book): Promise<Standing> {
    const data = await challengeCall(book, target, readInterval)
    if (data === null) return { kind: 'refused', reason: 'the chain does not keep the receipt’s place any more' }
    const bond = await bondOf(client, court.address, target)
    const balance = await purse.balance()
    if (balance < bond) return { kind: 'refused', reason: `the bond is ${bond}, the key has ${balance}` }
    if (!(await purse.allows(bond))) return { kind: 'paying' }
    const { deal, stream, index } = target
    const act = { name: `challenge ${deal.key}/${stream}/${index}`, to: court.address, data }
    const state = await sender.insist(act)
    if (state === 'sent') return { kind: 'sent' }
    return { kind: 'refused', reason: (await refusal(data)) ?? 'it will be tried again' }
  }

  return {
    challenge: async ({ target }, book, view) => standingOf(target, view) ?? (await open(target, book)),
    async play(known, view) {
      wrongs = known
      return await player.step(view)
    },
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof BaseError) return error.shortMessage.split('\n')[0] ?? error.name
  return error instanceof Error ? error.message : String(error)
}
