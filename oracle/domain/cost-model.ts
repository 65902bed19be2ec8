/**
 * What settling costs, and when it is worth it.
 *
 * A transaction pays `21,000 + max(16 · dense bytes + execution, 40 · dense bytes)` gas (EIP-7623). Execution is a fixed
 * part (clock, ring, event, one signature check per member), a part per group (worker's signature, deal and stream words)
 * and a part per receipt (reading and hashing its bytes). The fixed and the group parts are what waiting saves: a batch
 * is worth sending once its gas per receipt is near what one more receipt in the same groups would cost.
 *
 * The constants are upper ends, measured on whole transactions whose streams settle for the first time (later ones take
 * about a fifth less): the model also keeps batches below the gas limit. `test/oracle/cost-model.test.ts` holds it to
 * what the contracts really take. It steers when to send, never what is paid.
 *
 * @module
 */

/** Gas of one transaction's base. Source: Yellow Paper, G_transaction. */
const BASE_GAS = 21_000
/** Gas of everything a batch does once: clock, ring, provider's wheel, event. */
const BATCH_GAS = 65_000
/** Gas of one member's signature and the words read for it, its bytes not counted. */
const MEMBER_GAS = 7_000
/** Gas of one group: worker's signature, membership, deal and stream words. */
const GROUP_GAS = 21_500
/** Gas an acknowledgement adds to its group: its signature, the stream's record, the units acknowledged. */
const ACKNOWLEDGEMENT_GAS = 27_000
/** Gas of reading and hashing one receipt. */
const RECEIPT_GAS = 150
/** Gas per non-zero byte of input, and the floor per byte. Source: EIP-7623. */
const BYTE_GAS = 16
const FLOOR_BYTE_GAS = 40
/** Bytes of one group beside its receipts: varints and the worker's signature; plus an acknowledgement's. */
const GROUP_BYTES = 78
const SIGNATURE_BYTES = 64
/** Bytes of selector, offsets, lengths, mode, lane, epoch, claims and bitmap. */
const ENVELOPE_BYTES = 180

/** What the model looks at. */
export type BatchShape = {
  readonly groups: number
  readonly receipts: number
  /** Bytes of all receipts. */
  readonly receiptBytes: number
  /** Committee signatures to carry; 0 in the acknowledged lane. */
  readonly memberSignatures: number
  readonly acknowledgements: number
}

/** Bytes of the transaction's input. */
export function estimateBytes(shape: BatchShape): number {
  const signatures = shape.memberSignatures + shape.acknowledgements
  return ENVELOPE_BYTES + shape.groups * GROUP_BYTES + signatures * SIGNATURE_BYTES + shape.receiptBytes
}

/** Gas of the whole transaction. */
export function estimateGas(shape: BatchShape): number {
  const bytes = estimateBytes(shape)
  const checks = shape.memberSignatures * MEMBER_GAS + shape.acknowledgements * ACKNOWLEDGEMENT_GAS
  const execution = BATCH_GAS + checks + shape.groups * GROUP_GAS + shape.receipts * RECEIPT_GAS
  return BASE_GAS + Math.max(BYTE_GAS * bytes + execution, FLOOR_BYTE_GAS * bytes)
}

/** Gas that one receipt of average length costs when everything else is spread over very many. */
export function asymptoticGas(shape: BatchShape): number {
  const bytes = shape.receipts === 0 ? 33 : shape.receiptBytes / shape.receipts
  return Math.max(BYTE_GAS * bytes + RECEIPT_GAS, FLOOR_BYTE_GAS * bytes)
}

/** How long a batch may wait and how good it has to be before its deadline. */
export type BatchPolicy = {
  /** Longest time the oldest segment waits for company, milliseconds. */
  readonly maxAgeMs: number
  /** Gas per receipt, in percent of the asymptote, below which waiting saves too little. */
  readonly worthPercent: number
  /** Longest input of one transaction; public mempools take 128 KiB. */
  readonly maxBytes: number
  /** Most gas of one transaction, at most 2²⁴ (EIP-7825). */
  readonly maxGas: number
}

/** Why a batch goes out, or `wait`. */
export type Verdict = 'deadline' | 'worth' | 'full' | 'wait'

/**
 * Decides whether a batch of this shape goes out now.
 *
 * @param oldestMs - Age of its oldest segment, milliseconds.
 * @param more - Whether ready groups were left out because the batch is at its bounds.
 */
export function judgeBatch(shape: BatchShape, oldestMs: number, more: boolean, policy: BatchPolicy): Verdict {
  if (shape.receipts === 0) return 'wait'
  if (more) return 'full'
  if (oldestMs >= policy.maxAgeMs) return 'deadline'
  const each = estimateGas(shape) / shape.receipts
  return each * 100 <= asymptoticGas(shape) * policy.worthPercent ? 'worth' : 'wait'
}
