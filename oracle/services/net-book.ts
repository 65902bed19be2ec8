/**
 * Where netted deals stand, as the chain's events and the blobs of its net batches tell it. Nothing of it is taken from
 * anybody: a batch moves it only where the root comes out that the chain has.
 *
 * @module
 */
import { type Address, concatHex, type Hex, toHex } from 'viem'

import { decodeBatch, type Group } from '#protocol/batch.ts'
import { decodeNetBatch } from '#protocol/net-batch.ts'
import type { NetDeal } from '#protocol/net-build.ts'
import {
  createNetState,
  type NetState,
  readNetRecords,
  unpackCell,
  withForce,
  withNetBatch,
} from '#protocol/net-state.ts'
import { cellsOf, type StreamCell } from '#protocol/net-tree.ts'
import { Lane, Mode } from '#protocol/types.ts'
import type { Logger } from '#runtime/log.ts'
import { OracleError } from '../errors.ts'
import type { NetEvent, NetFact, NetStore } from '../ports.ts'
import type { Archive } from './archive.ts'

/** Net mode, as far as it was followed. */
export type NetBook = {
  /** Follows the stored events; stops at a batch whose blobs the archive lacks, and goes on there once it has them. */
  follow(): Promise<void>
  /** Where net mode stood at a block, or stands now. */
  state(at?: bigint): NetState
  /** The netted deal opened last under an id, with its buyer's index; undefined if none was. */
  deal(dealId: number): NetDeal | undefined
  /** Groups that were announced, of indexes `from` to below `to`. */
  announced(from: number, to: number): Announced[]
  /** Where a deal's streams stood at a block, or stand now. */
  cells(deal: { readonly id: number; readonly key: Hex; readonly streams: number }, at?: bigint): StreamCell[]
}

/** A group that a provider's side announced, by its place in the queue. */
export type Announced = { readonly index: number; readonly group: Group }

type Step = { readonly event: NetEvent; readonly state: NetState }
type Opened = { readonly deal: Omit<NetDeal, 'buyer'>; readonly buyer: Address }

/** Creates the book, empty; nothing is followed yet. */
export function createNetBook(deps: {
  readonly nets: NetStore
  readonly archive: Pick<Archive, 'get'>
  readonly log: Logger
}): NetBook {
  const { nets, archive, log } = deps
  const start = createNetState()
  const steps: Step[] = []
  /** Of each id the deals opened under it, the newest last. */
  const opened = new Map<number, Opened[]>()
  const indexes = new Map<Address, number>()
  const queue = new Map<number, Group>()
  let following: Promise<void> | undefined

  const state = (at?: bigint): NetState => {
    const last = at === undefined ? steps.at(-1) : steps.findLast(({ event }) => event.blockNumber <= at)
    return last?.state ?? start
  }
  const dealUnder = (dealId: number) => opened.get(dealId)?.at(-1)?.deal

  function undo({ event: { fact } }: Step): void {
    if (fact.kind === 'numbered') indexes.delete(fact.buyer)
    if (fact.kind === 'announced') queue.delete(fact.index)
    if (fact.kind === 'opened') opened.get(fact.dealId)?.pop()
  }

  /** The state after an event; null while its blobs are missing or the chain's root does not come out. */
  async function after(fact: NetFact): Promise<NetState | null> {
    switch (fact.kind) {
      case 'numbered':
        indexes.set(fact.buyer, fact.index)
        return state()
      case 'opened':
        opened.set(fact.dealId, [...(opened.get(fact.dealId) ?? []), { deal: fact.deal, buyer: fact.buyer }])
        return state()
      case 'announced':
        queue.set(fact.index, announcedGroup(fact.group))
        return state()
      case 'executed': {
        const deal = dealUnder(fact.dealId)
        const move = { dealId: fact.dealId, stream: fact.stream, cell: unpackCell(fact.cell) }
        return deal === undefined ? null : provided(withForce(state(), move, deal), fact.root)
      }
      case 'batch':
        return await afterBatch(fact)
    }
  }

  async function afterBatch({ batch, blobs: hashes }: Extract<NetFact, { kind: 'batch' }>): Promise<NetState | null> {
    const { blobs: rows, queueTo, root } = decodeNetBatch(batch)
    const blobs: Uint8Array[] = []
    for (const hash of hashes) {
      const blob = await archive.get(hash)
      if (blob === null) return null
      blobs.push(blob)
    }
    return provided(withNetBatch(state(), readNetRecords(rows, blobs), queueTo, dealUnder), root)
  }

  function provided(next: NetState, root: Hex): NetState | null {
    if (next.tree.root === root) return next
    log.error({ root, own: next.tree.root }, 'the net root is not what the blobs make it')
    return null
  }

  /** Takes back what stands on the chain no more. */
  function rollBack(): void {
    for (let last = steps.at(-1); last !== undefined && !nets.has(last.event); last = steps.at(-1)) {
      undo(last)
      steps.pop()
    }
  }

  /** Whether it could be followed. */
  async function take(event: NetEvent): Promise<boolean> {
    const next = await after(event.fact)
    if (next === null) return false
    steps.push({ event, state: next })
    return true
  }

  async function follow(): Promise<void> {
    for (let goesOn = true; goesOn; ) {
      // again each time: what is fetched takes long enough for a re-organisation
      rollBack()
      const [next] = nets.after(steps.at(-1)?.event ?? null, 1)
      goesOn = next !== undefined && (await take(next))
    }
  }

  return {
    state,
    follow() {
      following ??= follow().finally(() => {
        following = undefined
      })
      return following
    },
    deal(dealId) {
      const last = opened.get(dealId)?.at(-1)
      const buyer = last === undefined ? undefined : indexes.get(last.buyer)
      return last === undefined || buyer === undefined ? undefined : { ...last.deal, buyer }
    },
    announced: (from, to) =>
      [...queue].flatMap(([index, group]) => (index >= from && index < to ? [{ index, group }] : [])),
    cells: ({ id, key, streams }, at) => cellsOf(state(at).tree.leafAt(id), key, streams),
  }
}

/** The chain takes an announced group as it stands in a batch in calldata, without what stands before it. */
function announcedGroup(bytes: Hex): Group {
  const batch = decodeBatch(concatHex([toHex(Uint8Array.of(Mode.Calldata, Lane.Attested)), bytes]))
  const [group] = batch.mode === Mode.Calldata ? batch.groups : []
  if (group === undefined) throw new OracleError('chain.unexpected', 'an announced group does not decode')
  return group
}
