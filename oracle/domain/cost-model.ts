/**
 * What settling takes: gas, bytes and blobs of one transaction, from its shape alone.
 *
 * A transaction takes `21,000 + max(16 · bytes + execution, floor · bytes)` gas, where the floor is 40 a byte on Osaka
 * (EIP-7623) and 64 on Amsterdam. Execution is a part once per batch (clock, ring, event), once per signature of the
 * committee, once per word and page of state that the groups touch, once per group (the worker's signature) and, where
 * receipts stand in the input, once per receipt. In a blob receipts cost no execution at all, but whole blobs.
 *
 * What the chain's rules price is taken from them ({@link GAS}). The rest is fitted to whole transactions against the
 * contracts; `test/oracle/cost-model.test.ts` holds the model to them on both forks. It steers when and how to settle,
 * never what is paid.
 *
 * @module
 */
import { Lane, Mode } from '#protocol/types.ts'
import { BLOB_GAS, type Fork, GAS, type GasRules } from './forks.ts'

/** Gas of everything a batch does once: clock, parameters, event. */
const BATCH_GAS = 14_540
/** What an attested one does more: the ring, the epoch, its members' page. */
const RING_GAS = 9_000
/** Gas of one member's signature, its bytes not counted. */
const MEMBER_GAS = 3_450
/** Gas of one provider's first credit of a day: its earnings are brought up to date. */
const FIRST_CREDIT_GAS = 10_700
/** Gas of one group beside words and pages: the worker's signature and the rules. */
const GROUP_GAS = 4_670
/** Gas of one deal whose facts are at hand. */
const DEAL_GAS = 560
/** Gas of working with a word of cells that is rewritten or only read, beside the word itself. */
const CELLS_GAS = 840
const READ_GAS = 580
/** Gas of finding a page of workers and putting it into memory, and of doing so again because another one came between. */
const PAGE_GAS = 1_090
const PAGE_AGAIN_GAS = 1_850
/** Words read of a deal whose facts stand in no page, and gas of working with them. */
const STORED_WORDS = 3
const STORED_GAS = 1_600
/**
 * Gas an acknowledged group takes more: the acknowledgement's signature, its stream's record, the units acknowledged;
 * what its deal takes more, whose allowance rises; and what its provider does, whose earnings are brought up to date.
 */
const ACKNOWLEDGED_GAS = 17_650
const ACKNOWLEDGED_DEAL_GAS = 7_050
const ACKNOWLEDGED_PROVIDER_GAS = 9_070
/** Gas of reading and hashing one receipt in the input. */
const RECEIPT_GAS = 134

/** Bytes of selector, offsets, lengths, mode, lane, epoch, claims, bitmap and padding, and how many of them are zero. */
const ENVELOPE_BYTES = 190
const ENVELOPE_ZEROS = 140
/** Bytes of one group beside its receipts: numbers and the worker's signature. */
const GROUP_BYTES = 88
const GROUP_ZEROS = 12
/** Bytes a group has more whose receipts stand in a blob: the segment's hash. */
const SEGMENT_BYTES = 32
const RECEIPT_ZEROS = 1
const SIGNATURE_BYTES = 64

/** By how much the model may be short. */
const MARGIN = 1.05

/** What the model looks at; nothing of it depends on how much state there is. */
export type BatchShape = {
  readonly mode: Mode
  readonly lane: Lane
  readonly groups: number
  readonly receipts: number
  /** Bytes of all receipts. */
  readonly receiptBytes: number
  /** Blobs they fill; 0 where they stand in the input. */
  readonly blobs: number
  /** Committee signatures to carry; 0 in the acknowledged lane. */
  readonly memberSignatures: number
  readonly deals: number
  /** Deals whose facts are read from storage: their place is unknown, or the lane changes them. */
  readonly storedDeals: number
  /** Code pages that are read. */
  readonly dealPages: number
  readonly workerPages: number
  /** Words of streams' cells that are rewritten, and those of them that may be new. */
  readonly cellWords: number
  readonly newCellWords: number
  /** Words of further streams' cells that are only read, because a deal's units are summed; not those rewritten. */
  readonly readWords: number
  /** Words of providers' rooms. */
  readonly roomWords: number
  readonly providers: number
}

/** What one transaction takes. */
export type Estimate = {
  /** Gas, its blobs' not included. */
  readonly gas: number
  /** Bytes of its input. */
  readonly bytes: number
  readonly blobGas: number
}

/** What a batch of this shape takes in steady state: its providers were credited before on this day. */
export function estimate(shape: BatchShape, fork: Fork): Estimate {
  const rules = GAS[fork]
  const { bytes, zeros } = inputOf(shape)
  const execution = executionGas(shape, rules)
  const plain = rules.byte * (bytes - zeros) + rules.zeroByte * zeros + execution
  const floor = rules.floorByte * (bytes - zeros) + rules.floorZeroByte * zeros
  return { gas: rules.transaction + Math.max(plain, floor), bytes, blobGas: shape.blobs * BLOB_GAS }
}

/**
 * Most gas a batch of this shape takes: its providers' first credits of the day, and of all days; and each worker in
 * another page than the one before.
 */
export function mostGas(shape: BatchShape, fork: Fork): number {
  const { lane, groups, deals, roomWords, providers, workerPages } = shape
  const { newWord } = GAS[fork]
  const words = lane === Lane.Attested ? roomWords + 1 : groups + deals + providers + 1
  const again = workerPages > 1 ? groups - workerPages : 0
  const rare = providers * FIRST_CREDIT_GAS + again * PAGE_AGAIN_GAS + words * newWord
  return MARGIN * estimate(shape, fork).gas + rare
}

function inputOf({ mode, lane, groups, receipts, receiptBytes, memberSignatures }: BatchShape) {
  const isCalldata = mode === Mode.Calldata
  const signatures = memberSignatures + (lane === Lane.Acknowledged ? groups : 0)
  const content = isCalldata ? receiptBytes : groups * SEGMENT_BYTES
  return {
    bytes: ENVELOPE_BYTES + groups * GROUP_BYTES + signatures * SIGNATURE_BYTES + content,
    zeros: ENVELOPE_ZEROS + groups * GROUP_ZEROS + (isCalldata ? receipts * RECEIPT_ZEROS : 0),
  }
}

function executionGas(shape: BatchShape, rules: GasRules): number {
  const { mode, lane, groups, memberSignatures } = shape
  const once = BATCH_GAS + (lane === Lane.Acknowledged ? 0 : RING_GAS) + memberSignatures * MEMBER_GAS
  const acknowledged = lane === Lane.Acknowledged ? acknowledgedGas(shape) : 0
  const receipts = mode === Mode.Calldata ? shape.receipts * RECEIPT_GAS : 0
  return once + stateGas(shape, rules) + groups * GROUP_GAS + acknowledged + receipts
}

function acknowledgedGas({ groups, deals, providers }: BatchShape): number {
  return groups * ACKNOWLEDGED_GAS + deals * ACKNOWLEDGED_DEAL_GAS + providers * ACKNOWLEDGED_PROVIDER_GAS
}

function stateGas(shape: BatchShape, rules: GasRules): number {
  const { lane, cellWords, newCellWords, readWords, roomWords, deals, storedDeals, dealPages, workerPages } = shape
  const rewritten = cellWords + (lane === Lane.Attested ? roomWords : 0)
  // a page of deals has a word that says which of its rows hold
  const read = storedDeals * STORED_WORDS + readWords + dealPages
  const pages = (dealPages + workerPages) * rules.coldAccount + workerPages * PAGE_GAS
  const work = cellWords * CELLS_GAS + readWords * READ_GAS + deals * DEAL_GAS + storedDeals * STORED_GAS
  return rewritten * rules.word + newCellWords * rules.newWord + read * rules.coldRead + pages + work
}

/** Gas that a deal's facts cost more where they stand in storage, its place's bytes not counted. */
export function storedDealGas(fork: Fork): number {
  return STORED_WORDS * GAS[fork].coldRead + STORED_GAS
}

/** Gas of reading a page of workers. */
export function workerPageGas(fork: Fork): number {
  return GAS[fork].coldAccount + PAGE_GAS
}

/** Gas that one receipt costs where everything else is spread over very many; a blob's gas is not in it. */
export function asymptoticGas(mode: Mode, receiptBytes: number, fork: Fork): number {
  if (mode !== Mode.Calldata) return 0
  const { byte, floorByte } = GAS[fork]
  return Math.max(byte * receiptBytes + RECEIPT_GAS, floorByte * receiptBytes)
}
