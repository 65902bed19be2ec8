/**
 * What the services need of the outside world. Each port has one real adapter; tests use the same adapters or fakes of
 * exactly these types.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import type { NetDeal } from '#protocol/net-build.ts'
import type { NetProof } from '#protocol/net-state.ts'
import type { Acknowledgement, Offer } from '#protocol/types.ts'
import type {
  Conflict,
  ConflictsQuery,
  OrderMessage,
  ProposalMessage,
  SegmentStatus,
  SignedPromise,
  SignedSegment,
} from '#protocol/wire.ts'
import type { CommittedBlob } from '#runtime/blob-transaction.ts'
import type { ChainBlock, ChainChange } from '#runtime/chain-follower.ts'
import type { ChainFacts, DealFacts, StreamFacts } from './domain/facts.ts'
import type { FeeLevel, Fees } from './domain/fees.ts'
import type { Candidate } from './domain/grouping.ts'
import type { WorkerUse } from './domain/packing.ts'
import type { Range, Segment, SignedOrder } from './domain/segment.ts'

/** Time, so that tests can move it. */
export type Clock = {
  /** Unix milliseconds. */
  readonly now: () => number
}

/** Whether a segment's results were re-executed: not yet, alike, or not possible for its kind of deal. */
export type Verification = 'pending' | 'done'

/** A segment as it is stored. */
export type StoredSegment = {
  readonly tallyHash: Hex
  readonly segment: Segment
  readonly segmentHash: Hex
  readonly status: SegmentStatus
  /** Check that refused it, or that keeps it from settling now. */
  readonly check: string | null
  readonly verification: Verification
  /** What this member vouches for once verified. */
  readonly claims: number
  readonly transaction: Hex | null
  /** Unix milliseconds. */
  readonly receivedAtMs: number
}

/** What stays known of a segment for good. */
export type SegmentState = Pick<StoredSegment, 'tallyHash' | 'status' | 'check' | 'transaction'>

/** Identity of one stream. */
export type StreamId = { readonly dealKey: Hex; readonly stream: number }

/** Segments, and which tasks they bill. */
export type SegmentStore = {
  /** Stores an accepted segment and its tasks in one durable transaction; false if it was there. */
  insert(segment: StoredSegment, fresh: readonly number[]): boolean
  /** A segment as it was sent; null if it was not, or was pruned. */
  get(tallyHash: Hex): StoredSegment | null
  /** What became of a segment, pruned or not. */
  state(tallyHash: Hex): SegmentState | null
  /** Segments of a stream, for comparison with a new one; those that were refused for their results only on demand. */
  ranges(stream: StreamId, which?: 'accepted' | 'all'): Range[]
  /** Of these tasks, the ones billed. */
  billed(dealKey: Hex, tasks: readonly bigint[]): Set<bigint>
  /** Segments whose re-execution is due and was not tried after `triedBefore`, unix ms; those longest untried first. */
  unverified(limit: number, triedBefore: number): StoredSegment[]
  /** Notes that a segment could not be verified now, and why. */
  tried(tallyHash: Hex, check: string, nowMs: number): void
  verified(tallyHash: Hex, claims: number): void
  /** Refuses a stored segment for good and frees the tasks no other segment of its stream bills. */
  refuse(tallyHash: Hex, check: string): void
  /** Notes what keeps a segment from settling now; null when nothing does. */
  note(tallyHash: Hex, check: string | null): void
  /** Verified and not settled segments that are in no batch. */
  candidates(): Candidate[]
  /** Verified segments that wait for nothing but the buyer's exposure, at most `limit`. */
  heldByExposure(limit: number): StoredSegment[]
  /** Streams with segments that are not final. */
  openStreams(): (StreamId & { readonly dealId: number })[]
  /** Refuses what can never settle any more, by the check that says why: the stream's deal is over, or it is frozen. */
  expire(stream: StreamId, check: string): void
  /** Watches final segments again, after a re-organisation deeper than what counts as final. */
  reopen(): void
  /** Brings a stream's segments in line with its cursor at the head and at the final block. */
  settle(stream: StreamId, cursors: { readonly head: number; readonly final: number }): void
  /** Notes which transaction settled a batch of known root. */
  noteTransaction(root: Hex, transaction: Hex | null): void
  /**
   * Removes what the receipts of final and refused segments were made of, at most `limit` segments taken in before
   * `receivedBeforeMs`, unix ms. Tally, signature, receipts and billed tasks stay: by them a worker is still paid once
   * and caught signing two contents.
   *
   * @returns How many were pruned.
   */
  prune(receivedBeforeMs: number, limit: number): number
  counts(): Record<string, number>
  /** Batches each deal was settled in, by its key. */
  usedDeals(): ReadonlyMap<Hex, number>
  /** Batches each worker was settled in, of segments taken in after `sinceMs`, unix ms. */
  usedWorkers(sinceMs: number): WorkerUse[]
}

/** A segment that was refused for what its worker's signature shows. */
export type Evidence = {
  /** Check that refused it. */
  readonly check: string
  /** Tally hash of the segment it contradicts; null where it contradicts something else. */
  readonly left: Hex | null
  readonly right: Segment
}

/** What workers signed and should not have. */
export type EvidenceStore = {
  /** Keeps it, unless enough of this kind is known of the stream: each kind is punished once. */
  keep(evidence: Evidence): void
  /** By rising number, from `from` on. */
  list(query: ConflictsQuery): Conflict[]
  /** An accepted segment as its worker signed it; null if there is none. */
  signed(tallyHash: Hex): SignedSegment | null
  count(): number
}

/** Promises this member gave. */
export type PromiseStore = {
  /** Keeps the first promise about a tally. */
  keep(tallyHash: Hex, promise: SignedPromise): void
  of(tallyHash: Hex): SignedPromise | null
}

/** An acknowledgement with its signature. */
export type SignedAcknowledgement = Acknowledgement & { readonly signature: Hex }

/** Orders, offers and acknowledgements as the buyers and providers sent them. */
export type MessageStore = {
  putOrders(orders: readonly OrderMessage[]): void
  order(dealKey: Hex, index: bigint): SignedOrder | null
  orders(query: { readonly dealKey: Hex; readonly from: bigint; readonly limit: number }): OrderMessage[]
  putOffer(hash: Hex, offer: Offer, signature: Hex): boolean
  offers(): { readonly hash: Hex; readonly offer: Offer; readonly signature: Hex }[]
  /** Stores an acknowledgement; a later one of the same receipts takes its place. */
  putAcknowledgement(acknowledgement: SignedAcknowledgement): void
  /** Signature over exactly this tally. */
  acknowledgement(match: Acknowledgement): Hex | null
  /** Of each stream of a deal with acknowledgements its number. */
  acknowledgedStreams(dealKey: Hex): number[]
  /** Of a stream's acknowledgements of at most `maxCount` receipts the one of most units. */
  highestAcknowledgement(stream: StreamId, maxCount: number): SignedAcknowledgement | null
  /** Forgets the acknowledgements of these segments. */
  dropAcknowledgements(tallies: readonly Hex[]): void
}

/** A batch this member built. */
export type StoredBatch = {
  readonly id: number
  readonly lane: number
  readonly root: Hex
  readonly data: Hex
  readonly groups: readonly Hex[]
  /** Versioned hashes of the blobs that go with it, in order; the archive has them. */
  readonly blobs: readonly Hex[]
  /** Gas it does not take more of, its blobs' not included. */
  readonly mostGas: number
  readonly state: BatchState
}
export type BatchState = 'ready' | 'sent' | 'settled' | 'failed'

/** What a member signed, so that it never signs two different contents for one stream. */
export type SignedGroup = StreamId & { readonly tallyHash: Hex }

/** Batches and own attestations. */
export type BatchStore = {
  /** Own signature over (epoch, root, claims) if it was made before. */
  signature(epoch: number, root: Hex, claims: number): Hex | null
  /** Ranges of a stream this member has signed. */
  signedRanges(stream: StreamId): Range[]
  /** Stores a signature and everything it covers, durably, before it is released. Marks the groups as batched. */
  sign(
    attestation: { epoch: number; root: Hex; claims: number; signature: Hex },
    groups: readonly SignedGroup[],
    untilMs: number,
  ): void
  /** Stores a batch that is ready to be sent; its groups leave the pool. */
  insert(batch: Omit<StoredBatch, 'id' | 'state'>): number
  ready(): StoredBatch[]
  sent(id: number): void
  get(id: number): StoredBatch | null
  /** Ends a batch that cannot settle: what it held and the chain lacks returns to the pool. */
  fail(id: number, reason: string): void
  settled(id: number): void
  /** Returns to the pool what somebody else's batch was to settle and did not in time. */
  release(nowMs: number): number
  counts(): Record<string, number>
}

/** What a transaction is for. */
export type Purpose =
  | { readonly kind: 'batch'; readonly batchId: number }
  | { readonly kind: 'upkeep'; readonly label: string }

export type TransactionState = 'sent' | 'mined' | 'final' | 'reverted'

/** One nonce of the gas key. Its calldata never changes. */
export type StoredTransaction = {
  readonly nonce: number
  readonly purpose: Purpose
  readonly to: Address
  readonly data: Hex
  readonly gas: bigint
  /** Versioned hashes of the blobs it carries. */
  readonly blobs: readonly Hex[]
  readonly state: TransactionState
  readonly blockNumber: bigint | null
  readonly blockHash: Hex | null
  readonly attempts: readonly Attempt[]
}

/** One signed form of a transaction; all attempts of a nonce are watched. */
export type Attempt = Fees & { readonly hash: Hex; readonly raw: Hex; readonly createdAtMs: number }

/** Write-ahead log of transactions. */
export type TransactionStore = {
  highestNonce(): number | null
  /** Stores nonce, calldata and signed bytes in one durable transaction, before anything is sent. */
  insert(
    transaction: Omit<StoredTransaction, 'attempts' | 'state' | 'blockNumber' | 'blockHash'>,
    attempt: Attempt,
  ): void
  addAttempt(nonce: number, attempt: Attempt): void
  /** Transactions that are not final yet, by nonce. */
  open(): StoredTransaction[]
  setState(nonce: number, state: TransactionState, block: { readonly number: bigint; readonly hash: Hex } | null): void
  counts(): Record<string, number>
}

/** What a deal's work is made with: its offer's program and kind. */
export type ProgramFacts = { readonly root: Hex; readonly kind: number }

/** A deal seen opened. */
export type OpenedDeal = {
  readonly id: number
  readonly key: Hex
  readonly program: ProgramFacts
  readonly blockNumber: bigint
  readonly blockHash: Hex
}

/** A batch seen settled. */
export type SettledBatch = {
  readonly root: Hex
  readonly transaction: Hex
  /** Versioned hashes of the transaction's blobs. */
  readonly blobs: readonly Hex[]
  readonly blockNumber: bigint
  readonly blockHash: Hex
}

/** Workers seen copied into one page: worker i of `workers` got the further index `firstIndex + i`. */
export type PackedWorkers = {
  readonly firstIndex: number
  readonly workers: readonly number[]
  readonly blockNumber: bigint
  readonly blockHash: Hex
}

/** What moves net mode on, or says whose it is: all of it in the order of the chain tells where net mode stands. */
export type NetFact =
  | { readonly kind: 'numbered'; readonly buyer: Address; readonly index: number }
  | { readonly kind: 'opened'; readonly dealId: number; readonly deal: Omit<NetDeal, 'buyer'>; readonly buyer: Address }
  | { readonly kind: 'batch'; readonly batch: Hex; readonly blobs: readonly Hex[] }
  /** A group as in calldata. */
  | { readonly kind: 'announced'; readonly index: number; readonly group: Hex }
  | {
      readonly kind: 'executed'
      readonly dealId: number
      readonly stream: number
      /** Receipts (24 bits) ‖ units (40 bits). */
      readonly cell: bigint
      readonly root: Hex
    }

/** A fact of net mode where it stands on the chain. */
export type NetEvent = {
  readonly blockNumber: bigint
  readonly blockHash: Hex
  readonly logIndex: number
  readonly fact: NetFact
}

export type ChainLogs = {
  readonly opened: readonly OpenedDeal[]
  readonly settled: readonly SettledBatch[]
  readonly packed: readonly PackedWorkers[]
  readonly nets: readonly NetEvent[]
}

/** The facts of net mode, by their place on the chain; a re-organisation takes them back. */
export type NetStore = {
  /** At most `limit` events behind a place, or from the first on. */
  after(place: Pick<NetEvent, 'blockNumber' | 'logIndex'> | null, limit: number): NetEvent[]
  /** Whether this event still stands. */
  has(event: NetEvent): boolean
}

/** What was derived from blocks, so that a re-organisation undoes it. */
export type BlockStore = {
  window(): ChainBlock[]
  /** Applies one step: rolls back above the ancestor, adds the logs, replaces the window, all or nothing. */
  apply(change: ChainChange, logs: ChainLogs): void
  program(dealKey: Hex): ProgramFacts | null
  /** Id a deal was opened under, by its key; null if its opening was not seen. */
  dealId(dealKey: Hex): number | null
  rememberProgram(dealKey: Hex, program: ProgramFacts): void
  /** The newest index of a worker in a page shared by several providers; null if it has none. */
  packedWorker(index: number): number | null
  /** Ids of deals seen opened and not yet recycled. */
  dealIds(): number[]
  forgetDeal(id: number): void
}

/** Everything that survives a crash. */
export type Store = {
  readonly segments: SegmentStore
  readonly evidence: EvidenceStore
  readonly promises: PromiseStore
  readonly messages: MessageStore
  readonly batches: BatchStore
  readonly transactions: TransactionStore
  readonly blocks: BlockStore
  readonly blobs: BlobStore
  readonly nets: NetStore
  /** @throws OracleError `store.broken` when the database does not answer. */
  ping(): void
  close(): void
}

/** Which blobs are kept or missing, by the hash the chain names them by; settled batches put them in by themselves. */
export type BlobStore = {
  /** What is known of a blob: the data root of its bytes, null while they are not here, and whether the chain names it. */
  find(versionedHash: Hex): { readonly root: Hex | null; readonly onChain: boolean } | null
  /** Notes that a blob's bytes are here, until `untilMs`, unix ms, unless the chain names it. */
  hold(blob: { readonly versionedHash: Hex; readonly root: Hex; readonly untilMs: number }): void
  /** Notes that a blob's bytes are not here any more. */
  lose(versionedHash: Hex): void
  /** Blobs the chain names that are not here and were not tried since `triedBeforeMs`, unix ms. */
  missing(limit: number, triedBeforeMs: number): Hex[]
  tried(versionedHash: Hex, nowMs: number): void
  /** Forgets what the chain did not name in time and no batch under way needs; returns the data roots of what was here. */
  expire(nowMs: number): Hex[]
  counts(): { readonly kept: number; readonly missing: number; readonly waiting: number }
}

/** One seat of the committee. */
export type Member = { readonly signer: Address; readonly endpoint: string }
export type Committee = { readonly epoch: number; readonly threshold: number; readonly members: readonly Member[] }

/** What became of a transaction. */
export type Inclusion = { readonly success: boolean; readonly blockNumber: bigint; readonly blockHash: Hex }

/** A call to one of the contracts. */
export type Call = { readonly to: Address; readonly data: Hex }

/** A permissionless chore: ids of deals, indexes of workers. */
export type Upkeep =
  | 'tick'
  | { readonly close: number }
  | { readonly recycle: number }
  | { readonly closeNet: number; readonly proof: NetProof }
  | { readonly packDeals: readonly number[] }
  | { readonly packWorkers: readonly number[] }

export type Simulation =
  | { readonly success: true; readonly answer: Hex; readonly gas: bigint }
  | { readonly success: false; readonly reason: string }

/** The chain, read at its head unless a block is named. */
export type Chain = {
  facts(group: { readonly dealId: number; readonly stream: number; readonly worker: number }): Promise<ChainFacts>
  deal(id: number, at?: bigint): Promise<DealFacts>
  stream(id: number, stream: number, at?: bigint): Promise<StreamFacts>
  clock(): Promise<number>
  /** Where net mode stands at the head: its root, the queue of announced groups, the protocol clock. */
  nets(): Promise<{ readonly root: Hex; readonly queueFrom: number; readonly queueTo: number; readonly clock: number }>
  /** Seconds on the protocol clock: how long a deal stays Closing, and how long a Closed one keeps its id. */
  periods(): Promise<{ readonly closing: number; readonly retention: number }>
  committee(): Promise<Committee>
  /** Program of a deal by its key, from the deal's opening; null if the chain shows none. */
  program(dealId: number, dealKey: Hex): Promise<ProgramFacts | null>
  logs(from: bigint, to: bigint): Promise<ChainLogs>
  block(number: bigint): Promise<{ readonly hash: Hex; readonly timestamp: bigint } | null>
  /** Fees of a first attempt; with a blob fee for a transaction that carries blobs. */
  fees(carriesBlobs: boolean): Promise<Fees>
  /** What the chain asks now and what is usual. */
  feeLevel(): Promise<FeeLevel>
  /** Whether an account that is a contract accepts the signature (EIP-1271). */
  acceptsSignature(account: Address, digest: Hex, signature: Hex): Promise<boolean>
  transactionCount(address: Address): Promise<number>
  balance(address: Address): Promise<bigint>
  /** What a call would do now: its answer and gas, or the revert's reason. @throws when the node does not answer. */
  simulate(call: {
    readonly from: Address
    readonly to: Address
    readonly data: Hex
    /** Versioned hashes of the blobs that would go with it, see {@link Chain.simulatesBlobs}. */
    readonly blobs?: readonly Hex[]
  }): Promise<Simulation>
  /** Whether the node shows blobs' hashes to calls it simulates; without, a batch of blobs would seem to revert. */
  simulatesBlobs(): Promise<boolean>
  /** Calldata of `settle`. */
  settleCall(batch: Hex, authority: Hex): Call
  /** Outcome of each group, from the answer of a simulated `settle`. */
  outcomes(answer: Hex): number[]
  /** Call that brings an acknowledgement to a deal without settling anything. */
  acknowledgeCall(dealId: number, acknowledgement: SignedAcknowledgement): Call
  upkeepCall(what: Upkeep): Call
  /** Sends signed bytes; tells what the node made of them, and throws only when it could not be asked. */
  broadcast(
    raw: Hex,
    blobs: readonly CommittedBlob[],
  ): Promise<'sent' | 'known' | 'underpriced' | 'nonce-low' | 'refused'>
  inclusion(hash: Hex): Promise<Inclusion | null>
}

/** Inputs, outputs and programs, each under the root that names it. */
export type Data = {
  put(bytes: Uint8Array, root?: Hex): Promise<Hex>
  get(root: Hex): Promise<Uint8Array | null>
  has(root: Hex): boolean
  remove(root: Hex): Promise<void>
  /** Removes what was stored or renewed longer than `ageMs` ago. */
  prune(ageMs: number): Promise<number>
}

/** Signs attestations. */
export type Signer = { readonly address: Address; readonly sign: (digest: Hex) => Hex }

/** Signs transactions of the gas key. */
export type GasKey = {
  readonly address: Address
  readonly sign: (
    transaction: Fees & { nonce: number; to: Address; data: Hex; gas: bigint; blobs: readonly Hex[] },
  ) => Promise<{ raw: Hex; hash: Hex }>
}

/** The other members. */
export type Peers = {
  propose(endpoint: string, proposal: ProposalMessage): Promise<PeerAnswer>
}

/** A peer's answer as it came; its signature is not checked yet. */
export type PeerAnswer =
  | { readonly kind: 'signed'; readonly signer: Address; readonly epoch: number; readonly signature: Hex }
  | { readonly kind: 'refused'; readonly groups: ReadonlyMap<number, string> }
  | { readonly kind: 'silent'; readonly reason: string }

/** Named places a test can make the process die at. */
export type FaultPoints = { readonly hit: (name: string) => void }
