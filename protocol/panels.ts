/**
 * Panels of providers that do one task, see `contracts/interfaces/IPanels.sol`: commitments to results, and the header
 * of the block whose randomness draws.
 *
 * @module
 */
import { type Hex, toRlp } from 'viem'

import { fixedBytes, keccak, packWords, toHex, uintBytes } from './words.ts'

/** Where a panel stands. */
export const PanelState = { None: 0, Committing: 1, Sealed: 2, Revealing: 3, Agreed: 4, Tied: 5 } as const

/** What a provider commits to. */
export type PanelResult = {
  /** Identity of the panel. */
  readonly panel: Hex
  /** Number of the seat. */
  readonly seat: number
  readonly workHash: Hex
  /** keccak256 of the plain result. */
  readonly plainHash: Hex
  /** 32 bytes that nobody can guess. */
  readonly salt: Hex
}

/**
 * What a provider shows of its result before any is revealed.
 *
 * @throws FieldError when a field does not fit.
 */
export function resultCommitment({ panel, seat, workHash, plainHash, salt }: PanelResult): Hex {
  const words = [
    fixedBytes(panel, 32, 'panel'),
    uintBytes(seat, 8, 'seat'),
    fixedBytes(workHash, 32, 'workHash'),
    fixedBytes(plainHash, 32, 'plainHash'),
    fixedBytes(salt, 32, 'salt'),
  ]
  return toHex(keccak(packWords(words)))
}

/** A block as `eth_getBlockByNumber` gives it, all fields 0x-hex; those of forks to come are left out. */
export type BlockFields = Readonly<Record<string, unknown>>

/** Fields of a header in order, and whether each is a number. Source: Ethereum yellow paper, section 4.4, and EIPs
 * 1559, 4895, 4844, 4788 and 7685. */
const HEADER: readonly (readonly [name: string, isNumber: boolean])[] = [
  ['parentHash', false],
  ['sha3Uncles', false],
  ['miner', false],
  ['stateRoot', false],
  ['transactionsRoot', false],
  ['receiptsRoot', false],
  ['logsBloom', false],
  ['difficulty', true],
  ['number', true],
  ['gasLimit', true],
  ['gasUsed', true],
  ['timestamp', true],
  ['extraData', false],
  ['mixHash', false],
  ['nonce', false],
  ['baseFeePerGas', true],
  ['withdrawalsRoot', false],
  ['blobGasUsed', true],
  ['excessBlobGas', true],
  ['parentBeaconBlockRoot', false],
  ['requestsHash', false],
]

/**
 * RLP of a block's header: what hashes to the block's hash.
 *
 * @param block - Fields that the chain's fork does not know are absent.
 */
export function headerBytes(block: BlockFields): Hex {
  const items = HEADER.flatMap(([name, isNumber]) => {
    const value = block[name]
    return typeof value === 'string' ? [isNumber ? minimal(value) : (value as Hex)] : []
  })
  return toRlp(items)
}

/** A number without leading zeros; zero is no bytes. */
function minimal(value: string): Hex {
  const digits = BigInt(value).toString(16)
  if (digits === '0') return '0x'
  return `0x${digits.length % 2 === 1 ? '0' : ''}${digits}`
}
