/**
 * What the chain says about net mode, beside what the rules say: root, queue, buyers' netted money, nets that have not
 * matured, bonds.
 *
 * @module
 */
import type { Address } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'

import { type Comparison, pair, type Scope } from './comparison.ts'
import { attestingEpochs, bondWords, followUnseenRefresh } from './member-bonds.ts'
import { QUEUE } from './net-ledger.ts'
import { readAnnounced, readBondWords, readNetHead, readOpenNets } from './slots.ts'
import { addressKey } from './state.ts'
import { readView } from './views.ts'

const BUCKETS = 4

/** The root and the queue, and the nets of the last days. */
export async function inspectNets({ state, contracts, source, block }: Scope): Promise<Comparison[]> {
  const { settlement } = contracts
  const call = { abi: settlementAbi, address: settlement, functionName: 'netRoot', args: [] } as const
  const [root, head, open] = await Promise.all([
    readView(source, call, block),
    readNetHead(source, settlement, block),
    readOpenNets(source, settlement, block),
  ])
  const { nets } = state
  const buckets = Array.from({ length: BUCKETS }, (_, i) => nets.open.due.get(nets.open.day + 1 + i) ?? 0n)
  return [
    pair('net-root', 'the net root', nets.root, root, () => {
      nets.root = root
    }),
    pair('net-deal', 'the number of buyers with an index', nets.numbered.length, head.buyers),
    pair('net-queue', 'the first announced group that no batch looked at', nets.state.queueFrom, head.queueFrom, () => {
      nets.state = { ...nets.state, queueFrom: head.queueFrom }
    }),
    pair('net-queue', 'the next announced group', nets.queueTo, head.queueTo, () => {
      nets.queueTo = head.queueTo
    }),
    pair('net-bonds', 'the day of the last nets', nets.open.day, open.day),
    pair('net-bonds', 'the nets that have not matured', buckets.join(), open.buckets.join(), () => {
      nets.open = { day: open.day, due: new Map(open.buckets.map((amount, i) => [open.day + 1 + i, amount])) }
    }),
  ]
}

/** A buyer's netted deals. */
export async function inspectNetBuyer(scope: Scope, address: Address): Promise<Comparison[]> {
  const { state, contracts, source, block } = scope
  const call = { abi: settlementAbi, address: contracts.settlement, functionName: 'netBuyer', args: [address] } as const
  const [index, deals, budgets, netted] = await readView(source, call, block)
  const buyer = state.nets.buyers.get(addressKey(address))
  if (buyer === undefined) return [pair('net-deal', `${address}’s netted deals`, 0, deals)]
  return [
    pair('net-deal', `${address}’s index`, buyer.index, index),
    pair(null, `${address}’s netted deals`, buyer.deals, deals),
    pair(null, `the budgets of ${address}’s netted deals`, buyer.budgets, budgets),
    pair(null, `${address}’s netted money`, buyer.netted, netted, () => {
      buyer.netted = netted
    }),
  ]
}

/** One place of the ring of announced groups. */
export async function inspectAnnounced(scope: Scope, index: number): Promise<Comparison[]> {
  const { state, contracts, source, block } = scope
  const announced = state.nets.announced.get(index % QUEUE)
  if (announced?.index !== index) return []
  const theirs = await readAnnounced(source, contracts.settlement, index % QUEUE, block)
  return [
    pair('net-force', `what is kept of announced group ${index}`, announced.hash, theirs.hash),
    pair('net-force', `when group ${index} was announced`, announced.at, theirs.at),
  ]
}

/** The bonds that the settlement goes by; those of epochs that are over count for nothing. */
export async function inspectReadBonds(scope: Scope, epoch: number): Promise<Comparison[]> {
  const { state, contracts, source, block } = scope
  if (!attestingEpochs(state).includes(epoch)) return []
  await followUnseenRefresh(scope, epoch)
  const ours = bondWords(state.nets.read.get(epoch) ?? [])
  const at = { settlement: contracts.settlement, epoch, count: ours.length }
  const theirs = await readBondWords(source, at, block)
  return [pair('net-bonds', `the bonds of epoch ${epoch} as they were read`, ours.join(), theirs.join())]
}

/** A member's bond. */
export async function inspectMemberBond(scope: Scope, signer: Address): Promise<Comparison[]> {
  const { state, contracts, source, block } = scope
  const call = { abi: registryAbi, address: contracts.registry, functionName: 'bondOf', args: [signer] } as const
  const view = await readView(source, call, block)
  const bond = state.nets.bonds.get(addressKey(signer))
  const name = (field: string): string => `the ${field} of the bond of ${signer}`
  return [
    pair('member-bond', name('owner'), bond?.owner ?? '', addressKey(view.owner)),
    pair('member-bond', name('stake'), bond?.stake ?? 0n, view.stake, () => {
      if (bond !== undefined) bond.stake = view.stake
    }),
    pair('member-bond', name('thawing stake'), bond?.thawing ?? 0n, view.thawing),
    pair('member-bond', name('end of the thaw'), bond?.thawedAt ?? 0, view.thawedAt),
  ]
}
