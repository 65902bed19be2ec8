/**
 * What settling costs per receipt as there are more of them.
 *
 * @module
 */
import { Mode } from '#protocol/types.ts'
import { must } from '../bench/books.ts'
import { type ChainOptions, MAX_TX_GAS } from '../bench/chain.ts'
import { begin, onChain, pack, type Round, settleRound } from '../bench/measure-settle.ts'
import { receiptsOf, type Shape } from '../bench/workload.ts'
import type { Settled, Size } from './figures.ts'

const shape = (deals: number, streamsPerDeal: number, receiptsPerStream: number): Shape => ({
  ...{ name: 'middle', deals, buyers: Math.min(deals, 20), streamsPerDeal, receiptsPerStream },
})

/** 10 to 50,000 receipts; small ones in as many streams, larger ones in hundreds. */
export const SIZES: readonly Shape[] = [
  shape(5, 2, 1),
  shape(50, 2, 1),
  shape(100, 2, 5),
  shape(100, 2, 50),
  shape(200, 2, 125),
]

/** What public nodes take in one transaction. */
const MAX_TX_BYTES = 128 * 1024

/** Settles a workload's second batch in every mode. @throws Error when a transaction is larger than nodes take. */
export async function measureSize(options: ChainOptions, size: Shape): Promise<Size> {
  const receipts = receiptsOf(size)
  return {
    ...{ receipts, groups: size.deals * size.streamsPerDeal },
    calldata: await settle(options, size, Mode.Calldata),
    blob: await settle(options, size, Mode.Blob),
    net: await settle(options, size, Mode.Net),
  }
}

async function settle(options: ChainOptions, size: Shape, mode: Mode): Promise<Settled> {
  return onChain(options, async (chain) => {
    const course = await begin(chain, options.seed, size, { mode, density: 'dense', rounds: 2 })
    await settleRound(course, 0)
    return settledBy(await settleRound(await pack(course), 1), receiptsOf(size))
  })
}

/** A round's figures, per receipt. */
export function settledBy({ gas, blobGas, calls, each }: Round, receipts: number): Settled {
  const mostGas = Math.max(...each.map((one) => Number(one.gas)))
  const mostBytes = Math.max(...each.map(({ size }) => size))
  must(mostGas <= Number(MAX_TX_GAS), `a transaction takes ${mostGas} gas`)
  must(mostBytes <= MAX_TX_BYTES, `a transaction has ${mostBytes} bytes`)
  const perReceipt = (value: bigint): number => Math.round((Number(value) / receipts) * 100) / 100
  return {
    ...{ gasPerReceipt: perReceipt(gas), blobGasPerReceipt: perReceipt(blobGas) },
    ...{ txs: calls.length, mostGas, mostBytes },
  }
}
