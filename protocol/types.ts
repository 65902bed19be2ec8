/**
 * The shapes both sides of the wire agree on. Field order and widths follow `contracts/interfaces/ITypes.sol` and
 * `docs/protocol.md`; integers of up to 32 bits and workers' indexes are numbers, wider ones are bigints.
 *
 * Units: money is base units of the settlement token, `units` is work in the offer's unit, times are unix seconds.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

/** How a batch proves that its groups deserve payment: the second byte of a batch. */
export const Lane = { Acknowledged: 0, Attested: 1, Forced: 2 } as const
export type Lane = (typeof Lane)[keyof typeof Lane]

/** Where the receipts' bytes of a batch live: the first byte of a batch. */
export const Mode = { Calldata: 0, Blob: 1, Net: 2 } as const
export type Mode = (typeof Mode)[keyof typeof Mode]

/** What kind of work an offer sells. */
export const Kind = { Provable: 0, Repeatable: 1, Service: 2 } as const
export type Kind = (typeof Kind)[keyof typeof Kind]

const KIND_NAMES = ['provable', 'repeatable', 'service'] as const

/** A kind as people are told of it. */
export function kindName(kind: number): string {
  return KIND_NAMES[kind] ?? `of the unknown kind ${kind}`
}

/** Where a deal stands. */
export const DealState = { None: 0, Open: 1, Closing: 2, Closed: 3 } as const
export type DealState = (typeof DealState)[keyof typeof DealState]

/** What happened to one group of a batch; only `Applied` and `Clamped` moved the stream. */
export const Outcome = {
  Applied: 0,
  Clamped: 1,
  DealNotOpen: 2,
  StreamOutOfRange: 3,
  Stale: 4,
  Gap: 5,
  RateExceeded: 6,
  ExposureExceeded: 7,
  CoverageExceeded: 8,
  NotAWorker: 9,
  BadSignature: 10,
  BadAcknowledgement: 11,
  ModeMismatch: 12,
  UnitsMismatch: 13,
} as const
export type Outcome = (typeof Outcome)[keyof typeof Outcome]

/** What somebody is slashed for, as in `ITypes.sol`. */
export const Fault = {
  Equivocation: 0,
  Unordered: 1,
  DuplicateTask: 2,
  OverMaximum: 3,
  Overclaim: 4,
  DoubleSelling: 5,
  NoShow: 6,
  WrongResult: 7,
  Withheld: 8,
  Minority: 9,
  BadAttestation: 10,
  ConflictingAttestation: 11,
  BrokenPromise: 12,
  VoidBlob: 13,
  WrongNet: 14,
} as const
export type Fault = (typeof Fault)[keyof typeof Fault]

/** A provider's signed promise to sell work; see `Offer` in ITypes.sol for each field. */
export type Offer = {
  readonly provider: Address
  readonly nonce: bigint
  readonly salt: Hex
  readonly program: Hex
  readonly kind: number
  readonly unit: Hex
  readonly price: bigint
  readonly rateCap: number
  readonly minBudget: bigint
  readonly maxBudget: bigint
  readonly total: bigint
  readonly buyer: Address
  readonly openingFee: bigint
  readonly maxDuration: number
  readonly expiry: number
  readonly mode: number
  readonly maxStreams: number
  readonly minExposure: number
  readonly arbiter: Address
  readonly panel: boolean
}

/** What the buyer fixes when it takes an offer. */
export type DealTerms = {
  readonly budget: bigint
  readonly exposure: bigint
  readonly duration: number
  readonly streams: number
  readonly orderKey: Address
  readonly ackKey: Address
  readonly taskRoot: Hex
}

/** What makes one task billable: signed by the deal's order key. */
export type Order = {
  readonly dealKey: Hex
  readonly index: bigint
  readonly inputRoot: Hex
  readonly maxUnits: bigint
}

/** What a worker signs: the stream after `count` receipts, and the hash of the bytes of receipts `first … count`. */
export type Tally = {
  readonly dealKey: Hex
  readonly stream: number
  readonly first: number
  readonly count: number
  readonly units: bigint
  readonly segment: Hex
}

/** What the buyer's side signs to make a tally's work final. */
export type Acknowledgement = {
  readonly dealKey: Hex
  readonly stream: number
  readonly count: number
  readonly units: bigint
  readonly segment: Hex
}

/** What the provider's side signs so that `sender` may force the batch with this root. */
export type Force = { readonly root: Hex; readonly sender: Address }

/** What a committee member signs about a batch. */
export type Attestation = { readonly epoch: number; readonly root: Hex; readonly claims: number }

/**
 * What a committee member signs when it takes a segment (the message is called `Promise`): a batch that contains the
 * tally will be settled by `before`, a second on the protocol clock.
 */
export type Promised = { readonly tally: Hex; readonly before: number }

/** One finished task as it stands in a batch; `units` ≥ 1 and < 2²⁴. */
export type Receipt = { readonly units: bigint; readonly workHash: Hex }

/** Which deployment a signature is for. */
export type Domain = { readonly chainId: number; readonly verifyingContract: Address }
