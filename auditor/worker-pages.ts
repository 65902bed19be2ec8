/**
 * Workers' keys in code pages of the registry: whether every row is the one it should be.
 *
 * @module
 */
import { type Address, concatHex, type Hex, numberToHex, slice } from 'viem'

import { pageAddress } from '#protocol/code-pages.ts'

import type { RegistryEvent } from './events.ts'
import { expectSame, type Replay, report } from './replay.ts'
import { addressKey, type Worker } from './state.ts'

type Args<name extends RegistryEvent['eventName']> = Extract<RegistryEvent, { eventName: name; args: object }>['args']

const ROWS = 512
const KEY_BYTES = 20

/** Writes the rows of a new page down and holds the page's code against them. */
async function addPage(replay: Replay, firstIndex: number, rows: readonly Worker[]): Promise<void> {
  const { state, findings, contracts, source, block } = replay
  state.workerPages += 1
  expectSame(replay, 'registry', 'the first index of a new page', state.workerPages * ROWS, firstIndex)
  for (const [row, worker] of rows.entries()) state.workers.set(firstIndex + row, worker)

  const page = Math.floor(firstIndex / ROWS)
  const code = await source.code(pageAddress(contracts.registry, page), block.number)
  const wanted = concatHex([
    '0x00',
    ...rows.map(({ provider, key }) => concatHex([numberToHex(provider, { size: 4 }), key])),
  ])
  findings.totals.compared += rows.length
  const isTrue = code === wanted
  findings.watch('pages', isTrue)
  if (!isTrue) report(replay, 'registry', `page ${page} does not hold the workers that it is said to`)
}

/** New workers of one provider. */
export async function replayWorkers(replay: Replay, args: Args<'WorkersRegistered'>): Promise<void> {
  const { provider, firstIndex, keys } = args
  const count = (keys.length - 2) / 2 / KEY_BYTES
  const keyAt = (row: number): Address => addressKey(slice(keys as Hex, row * KEY_BYTES, (row + 1) * KEY_BYTES))
  const rows = Array.from({ length: count }, (_, row) => ({ provider, key: keyAt(row) }))
  await addPage(replay, firstIndex, rows)
}

/** Workers copied into one page: each row is the one it was copied from. */
export async function replayPackedWorkers(replay: Replay, args: Args<'WorkersPacked'>): Promise<void> {
  const rows: Worker[] = []
  for (const index of args.indexes) {
    const worker = replay.state.workers.get(index)
    if (worker !== undefined) rows.push(worker)
    else report(replay, 'registry', `worker ${index} was copied and was never registered`)
  }
  await addPage(replay, args.firstIndex, rows)
}
