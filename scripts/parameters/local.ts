/**
 * What a local network is deployed with: the production defaults of the protocol.
 *
 * @module
 */

/** `ILedger.Parameters`: seconds, 1/10,000, and settlement token base units per 10¹⁸ base units of stake. */
export type LedgerParameters = {
  readonly attestedWindow: number
  readonly forcedWindow: number
  readonly closingPeriod: number
  readonly retention: number
  readonly keyNotice: number
  readonly coverageBps: number
  readonly bondBps: number
  readonly protocolFeeBps: number
  readonly committeeFeeBps: number
  readonly stakeValue: number
}

/** Windows of one and three days, full coverage, a tenth of the budget as bond, fees of 1 % and 0.5 %. */
export const defaultParameters: LedgerParameters = {
  attestedWindow: 86_400,
  forcedWindow: 259_200,
  closingPeriod: 86_400,
  retention: 604_800,
  keyNotice: 86_400,
  coverageBps: 10_000,
  bondBps: 1_000,
  protocolFeeBps: 100,
  committeeFeeBps: 50,
  stakeValue: 1_000_000, // one dollar of six decimals for one stake token
}

/** Seconds the last committee's attestations stay valid. */
export const GRACE_SECONDS = 3_600

/** Seconds between scheduling and executing an act of governance. */
export const TIMELOCK_SECONDS = 172_800

/** Settlement token base units prepaid for 1,000 bytes of an answer that is demanded. */
export const ANSWER_PRICE = 1_000n

/** Settlement token base units by which bonds cover a move of a game. */
export const MOVE_PRICE = 50_000n

/** Uniswap's Permit2, at one address on every chain that has it. */
export const PERMIT2 = '0x000000000022D473030F116dDEE9F6B43aC78BA3'
