/**
 * What leaves a worker, held against everything that left before.
 *
 * @module
 */
import { expect } from 'chai'
import type { Hex } from 'viem'

import type { SignedTally } from '#worker/rows.ts'

/** What leaves a worker: a signed tally with the receipts it covers. */
export type Delivered = {
  readonly tally: Pick<SignedTally, 'first' | 'count' | 'signature'> & { units: bigint | string }
  readonly receipts: readonly { position: number; workHash: Hex; units: bigint | string }[]
}

/** Every receipt ever delivered, by position; fails at the first one that was delivered differently before. */
export function receiptsOf(delivered: readonly Delivered[]): Map<number, string> {
  const known = new Map<number, string>()
  for (const { tally, receipts } of delivered) {
    expect(receipts.map(({ position }) => position)).to.deep.equal(
      Array.from({ length: tally.count - tally.first }, (_, i) => tally.first + i),
    )
    for (const { position, workHash, units } of receipts) {
      const text = `${workHash} ${units}`
      expect(known.get(position) ?? text, `receipt ${position}`).to.equal(text)
      known.set(position, text)
    }
  }
  return known
}

/** Stable code of what `act` throws. */
export function codeOf(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error
  }
  return 'nothing thrown'
}
