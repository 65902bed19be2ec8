/**
 * What the auditor knows of net mode: where streams stand, who may still be billed what, which groups wait to be forced,
 * and what answers for the members.
 *
 * Amounts are base units of the settlement token, bonds of the stake token, times seconds on the protocol clock.
 *
 * @module
 */
import { type Address, type Hex, zeroHash } from 'viem'

import { createNetState, type NetState } from '#protocol/net-state.ts'

import { dayOf } from './money.ts'

/** A buyer's netted deals that are not closed: how many, their budgets, and what was not taken of these. */
export type NetBuyer = { index: number; deals: number; budgets: bigint; netted: bigint }

/** An announced group: hash (28 bytes) of index, deal key and bytes, and when it was announced. */
export type Announced = { index: number; hash: Hex; at: number }

/** A committee member's bond. */
export type MemberBond = { owner: Address; stake: bigint; thawing: bigint; thawedAt: number }

/** Net mode as the auditor believes it to be. */
export type NetLedger = {
  /** What the records make of it, whatever roots members attest. */
  state: NetState
  /** Net root as the chain has it. */
  root: Hex
  /** Whether a blob could not be had, so that nobody here knows where streams stand. */
  isBlind: boolean
  /** Index of the next announced group. */
  queueTo: number
  buyers: Map<Address, NetBuyer>
  /** Buyers by their index. */
  numbered: Address[]
  /** By place in the ring. */
  announced: Map<number, Announced>
  /** Nets by the day they mature, and the day of the last batch. */
  open: { day: number; due: Map<number, bigint> }
  bonds: Map<Address, MemberBond>
  /** Whole stake tokens of an epoch's members as the settlement read them last. */
  read: Map<number, readonly bigint[]>
}

/** Places of the ring of announced groups. */
export const QUEUE = 2 ** 16

/** Net mode before its first deal. */
export function createNetLedger(): NetLedger {
  return {
    state: createNetState(),
    root: zeroHash,
    isBlind: false,
    queueTo: 0,
    buyers: new Map(),
    numbered: [],
    announced: new Map(),
    open: { day: 0, due: new Map() },
    bonds: new Map(),
    read: new Map(),
  }
}

/** A buyer among the numbered; null for one that never opened a netted deal. */
export function netBuyerAt({ buyers, numbered }: NetLedger, index: number): NetBuyer | null {
  const address = numbered[index]
  return address === undefined ? null : (buyers.get(address) ?? null)
}

/** Adds nets of `clock` that mature `due` days later. */
export function addOpenNets({ open }: NetLedger, amount: bigint, clock: number, due: number): void {
  open.day = dayOf(clock)
  for (const day of [...open.due.keys()]) if (day <= open.day) open.due.delete(day)
  open.due.set(open.day + due, (open.due.get(open.day + due) ?? 0n) + amount)
}

/** Sum of the nets that have not matured on the day of the last batch. */
export function openNetsOf({ open }: NetLedger): bigint {
  return [...open.due.values()].reduce((sum, amount) => sum + amount, 0n)
}
