/**
 * Deals, orders and views for the worker's tests: one deal of four streams that allows everything unless told otherwise.
 *
 * @module
 */
import { type Hex, keccak256, stringToHex, zeroAddress, zeroHash } from 'viem'

import { orderDigest } from '#protocol/eip712.ts'
import { addressOf, signCompact } from '#protocol/signature.ts'
import { DealState, Kind, type Tally } from '#protocol/types.ts'
import type { ChainView, DealFacts, StreamFacts } from '#worker/domain/view.ts'
import type { Outcome, SignedOrder } from '#worker/rows.ts'

export const domain = { chainId: 31337, verifyingContract: '0x00000000000000000000000000000000000000aa' } as const
export const orderKey = keccak256(stringToHex('order key'))
export const workerKey = keccak256(stringToHex('worker key'))
export const dealKey = keccak256(stringToHex('deal'))
export const identity = {
  chainId: domain.chainId,
  settlement: domain.verifyingContract,
  worker: addressOf(workerKey),
}

/** An order of the deal, signed by its order key unless `key` says otherwise. */
export function orderOf(index: number | bigint, changes: Partial<SignedOrder> = {}, key: Hex = orderKey): SignedOrder {
  const order = {
    dealKey,
    index: BigInt(index),
    inputRoot: keccak256(stringToHex(`input ${index}`)),
    maxUnits: 10n,
    ...changes,
  }
  return { ...order, signature: changes.signature ?? signCompact(orderDigest(order, domain), key) }
}

/** What running an order gave; `salt` makes two runs of one order differ, as their times do. */
export function outcomeOf(index: number, salt = 0, units = 1n): Outcome {
  const hash = (part: string) => keccak256(stringToHex(`${part} ${index} ${salt}`))
  return {
    units,
    workHash: hash('work'),
    outputRoot: hash('output'),
    plainHash: hash('plain'),
    startedAt: 1_700_000_000n + BigInt(salt),
    endedAt: 1_700_000_001n + BigInt(salt),
    finalState: null,
  }
}

/** An open deal: 1,000 units of budget at price 10, no rate or exposure in the way. */
export function dealOf(changes: Partial<DealFacts> = {}): DealFacts {
  return {
    id: 7,
    key: dealKey,
    offer: {
      provider: zeroAddress,
      nonce: 0n,
      salt: zeroHash,
      program: keccak256(stringToHex('program')),
      kind: Kind.Repeatable,
      unit: zeroHash,
      price: 10n,
      rateCap: 3_600_000,
      minBudget: 1n,
      maxBudget: 10_000n,
      total: 100_000n,
      buyer: zeroAddress,
      openingFee: 0n,
      maxDuration: 86_400,
      expiry: 2_000_000_000,
      mode: 0,
      maxStreams: 62,
      minExposure: 0,
      arbiter: zeroAddress,
      panel: false,
    },
    terms: {
      budget: 10_000n,
      exposure: 1_000n,
      duration: 86_400,
      streams: 4,
      orderKey: addressOf(orderKey),
      ackKey: zeroAddress,
      taskRoot: zeroHash,
    },
    state: DealState.Open,
    openedAt: 1_700_000_000,
    end: 1_700_086_400,
    budget: 10_000n,
    remaining: 10_000n,
    allowance: 1_000n,
    place: 0,
    orderKey: addressOf(orderKey),
    ...changes,
  }
}

/** The chain an hour after the deal was opened, with nothing settled. */
export function viewOf(deal: DealFacts, changes: Partial<ChainView> = {}): ChainView {
  const nothing: StreamFacts = { count: 0, units: 0n, acknowledged: 0n }
  return {
    block: 100n,
    clock: deal.openedAt + 3_600,
    provider: 1,
    worker: 512,
    revokedFrom: 0,
    cover: 1_000_000n,
    unmatured: 0n,
    closingPeriod: 3_600,
    deals: new Map([[deal.key, deal]]),
    streams: new Map([0, 1, 2, 3].map((stream) => [`${deal.key}/${stream}`, nothing])),
    endpoints: [],
    committee: { epoch: 1, signers: [] },
    ...changes,
  }
}

/** A worker's signature, in the place of `main.ts`. */
export function signWith(key: Hex, digest: (tally: Tally) => Hex): (tally: Tally) => Hex {
  return (tally) => signCompact(digest(tally), key)
}
