/**
 * One receipt from suspicion to the end: does its work again and, where it is wrong, challenges it and plays the game.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { type Address, encodeFunctionData, type Hex, type PublicClient, parseAbi } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Turn } from '#protocol/disputes.ts'
import { Kind } from '#protocol/types.ts'
import { createSender } from '#runtime/act-sender.ts'
import { type ActStore, createActStore } from '#runtime/act-store.ts'
import { type CourtGame, type CourtMove, createCourt } from '#runtime/games/court.ts'
import { createPurse } from '#runtime/games/purse.ts'
import type { Key } from '#runtime/keystore.ts'
import type { Logger } from '#runtime/log.ts'
import type { ProvableExecutor } from '#runtime/provable-execution.ts'

import { AuditError } from '../errors.ts'
import type { Book } from '../watch/book.ts'
import { createCommittees } from '../watch/committees.ts'
import type { ReadInterval } from '../watch/places.ts'
import { createBookReader } from './book-reader.ts'
import { createChallenger, type Standing, type Wrong } from './challenger.ts'
import { type Evidence, type Given, gather } from './sources.ts'
import { bondOf, challengeCall, findTargets, type Sought, type Target } from './targets.ts'
import { judge } from './verdict.ts'

/** What is needed to challenge a receipt. */
export type SessionOptions = {
  readonly client: PublicClient
  readonly contracts: { readonly settlement: Address; readonly registry: Address; readonly committee: Address }
  readonly disputes: Address
  readonly token: Address
  readonly fromBlock: bigint
  readonly sought: Sought
  /** Base URLs that may serve what the receipt was made of, besides the committee's. */
  readonly places: readonly string[]
  readonly given: Given
  readonly executor: ProvableExecutor
  /** What happens is told here. */
  readonly tell: (event: Told) => void
  readonly log: Logger
  readonly signal: AbortSignal
}

/** What is needed to send. */
export type Sending = {
  readonly key: Key
  /** Folder of what was sent, of this process alone. */
  readonly dataDir: string
  readonly pollMs: number
  readonly confirmations: number
}

/** Something that happened. */
export type Told =
  | { readonly kind: 'found'; readonly target: Target }
  | { readonly kind: 'standing'; readonly standing: Standing }
  | { readonly kind: 'trouble'; readonly reason: string }
  | { readonly kind: 'move'; readonly game: CourtGame; readonly move: CourtMove }

/** What doing the work again showed. */
export type Suspicion = {
  readonly target: Target
  /** Null where the receipt is right. */
  readonly difference: string | null
  readonly evidence: Evidence
  readonly book: Book
}

/** How a game ended. `won`: the receipt is refuted. */
export type Ending = {
  readonly won: boolean
  readonly game: CourtGame | null
  /** Of the challenger's key, settlement token base units. */
  readonly before: bigint
  readonly after: bigint
}

const MAX_GAS = 16_000_000n
const RETRY_MS = 2_000
/** A place may be on the move while batches settle; what is refused again and again is. */
const MAX_REFUSALS = 5
const tokenAbi = parseAbi(['function approve(address spender, uint256 amount) returns (bool)'])

/**
 * Finds the receipt and does its work again.
 *
 * @throws AuditError `challenge.unknown-receipt`, `challenge.other-kind` or `challenge.unavailable`; ExecutionError.
 */
export async function suspect(options: SessionOptions): Promise<Suspicion> {
  const { client, contracts, executor, signal, places, given } = options
  const book = await createBookReader(client, contracts, options.fromBlock).read()
  const target = findTargets(book, options.sought).at(-1)
  if (target === undefined) {
    throw new AuditError('challenge.unknown-receipt', 'no such receipt was settled, or it does not stand in calldata')
  }
  options.tell({ kind: 'found', target })
  const { deal, receipt } = target
  if (deal.offer.kind !== Kind.Provable) {
    throw new AuditError('challenge.other-kind', `deal ${deal.id} is not about provable work`)
  }
  const committee = await createCommittees(client, contracts.committee).endpoints()
  const wanted = { dealKey: deal.key, program: deal.offer.program, workHash: receipt.workHash }
  const evidence = await gather(wanted, [...places, ...committee], { given, signal })
  if ('missing' in evidence) throw new AuditError('challenge.unavailable', `nobody shows ${evidence.missing}`)
  const { difference } = await judge(evidence, receipt.units, executor, signal)
  return { target, difference, evidence, book }
}

/**
 * The calls that challenge a receipt, for another wallet: letting the bond be taken, and the challenge.
 *
 * @throws AuditError `challenge.too-late`.
 */
export async function challengeCalls(
  { client, contracts, disputes, token }: SessionOptions,
  { target, book }: Suspicion,
): Promise<readonly { readonly to: Address; readonly data: Hex }[]> {
  const bond = await bondOf(client, disputes, target)
  const data = await challengeCall(book, target, intervalReader(client, contracts.settlement))
  if (data === null) throw new AuditError('challenge.too-late', 'the chain does not keep the receipt’s place any more')
  const approve = encodeFunctionData({ abi: tokenAbi, functionName: 'approve', args: [disputes, bond] })
  return [
    { to: token, data: approve },
    { to: disputes, data },
  ]
}

/**
 * Challenges a receipt that is wrong and plays to the end; what was begun before a restart goes on.
 *
 * @throws AuditError `challenge.refused`: the chain would not have the challenge. Or the signal's reason.
 */
export async function playToEnd(options: SessionOptions, suspicion: Suspicion, sending: Sending): Promise<Ending> {
  const { signal } = options
  await mkdir(sending.dataDir, { recursive: true, mode: 0o700 })
  const { client, contracts, disputes } = options
  const chainId = await client.getChainId()
  const store = createActStore(
    join(sending.dataDir, 'challenges.sqlite'),
    `${sending.key.address} on ${chainId}:${contracts.settlement}:${disputes}`,
  )
  try {
    const table = await seated(options, suspicion, { ...sending, chainId, store })
    const before = await table.purse.balance()
    for (;;) {
      signal.throwIfAborted()
      const ending = await table.step(before).catch((error: unknown) => {
        // whoever ends the game by leaving loses it: what is wrong with the chain's node may pass
        if (error instanceof AuditError || signal.aborted) throw error
        options.tell({ kind: 'trouble', reason: error instanceof Error ? error.message : String(error) })
        return null
      })
      if (ending !== null) return ending
      await sleep(sending.pollMs, undefined, { signal })
    }
  } finally {
    store.close()
  }
}

type Store = { readonly chainId: number; readonly store: ActStore }

/** Everything a player needs; each step looks at the chain anew. */
async function seated(options: SessionOptions, { target, evidence }: Suspicion, sending: Sending & Store) {
  const { client, contracts, disputes, token, fromBlock, executor, log, signal, tell } = options
  const { settlement } = contracts
  const { key, confirmations, chainId, store } = sending
  const nowMs = () => Date.now()
  const sender = createSender({
    ...{ client, store, key, chainId, maxGas: MAX_GAS, confirmations, dryRun: false, retryMs: RETRY_MS, log, nowMs },
  })
  const court = createCourt({ client, address: disputes, settlement, fromBlock })
  const purse = createPurse({ client, sender, token, court: disputes })
  const books = createBookReader(client, contracts, fromBlock)
  const readInterval = intervalReader(client, settlement)
  const challenger = createChallenger({
    ...{ client, court, settlement, sender, purse, executor, readInterval, log, signal },
  })
  const wrong: Wrong = { target, evidence }
  const shown = new Set<string>()
  let refusals = 0

  /** The same receipt as the chain has it now: a re-organisation may have settled it elsewhere. */
  function asSettled(book: Book): Wrong {
    const { deal, stream, index, receipt } = wrong.target
    const now = findTargets(book, { dealId: deal.id, stream, index }).find(
      (one) => one.deal.key === deal.key && one.receipt.workHash === receipt.workHash,
    )
    return { target: now ?? wrong.target, evidence }
  }

  function tellMoves(game: CourtGame): void {
    for (const move of game.moves) {
      const name = `${game.id}/${move.transaction}`
      if (!shown.has(name)) tell({ kind: 'move', game, move })
      shown.add(name)
    }
  }

  function tellStanding(standing: Standing): void {
    const reason = standing.kind === 'refused' ? standing.reason : ''
    const name = `${standing.kind} ${reason}`
    if (!shown.has(name)) tell({ kind: 'standing', standing })
    shown.add(name)
  }

  async function end(before: bigint, game: CourtGame | null): Promise<Ending | null> {
    await purse.collect()
    const isPaid = store.open().length === 0 && (await purse.owed()) === 0n
    if (!isPaid) return null
    const won = game === null || game.outcome === Turn.ChallengerWon
    return { won, game, before, after: await purse.balance() }
  }

  async function step(before: bigint): Promise<Ending | null> {
    await sender.step()
    const now = asSettled(await books.read())
    const view = await court.read()
    const standing = await challenger.challenge(now, await books.read(), view)
    tellStanding(standing)
    if (standing.kind === 'playing' || standing.kind === 'ended') tellMoves(standing.game)
    refusals = standing.kind === 'refused' ? refusals + 1 : 0
    if (standing.kind === 'refused' && refusals >= MAX_REFUSALS) {
      throw new AuditError('challenge.refused', standing.reason)
    }
    if (standing.kind === 'ended') return await end(before, standing.game)
    if (standing.kind === 'refuted') return await end(before, null)
    await challenger.play([now], view)
    return null
  }

  return { purse, step }
}

function intervalReader(client: PublicClient, address: Address): ReadInterval {
  return async (interval) => {
    const own = { address, abi: settlementAbi, functionName: 'intervalChain', args: [interval] } as const
    return (await client.readContract(own))[0]
  }
}
