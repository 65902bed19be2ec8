/**
 * A worker's own store, as far as forcing goes: what it did and signed, and what members promised about it.
 *
 * @module
 */
import { join } from 'node:path'

import { orderDigest, tallyDigest } from '#protocol/eip712.ts'
import { signCompact } from '#protocol/signature.ts'
import type { SignedPromise } from '#protocol/wire.ts'
import { createWorkerStore } from '#worker/store.ts'

import { run } from '../support/run.ts'
import { type Deal, domainOf } from './party.ts'
import type { Made } from './work.ts'
import type { World } from './world.ts'

/**
 * Writes the first segment of a deal's stream 0 with a promise about it.
 *
 * @returns Path of the store.
 */
export function keepPromised(world: World, deal: Deal, made: readonly Made[], promise: SignedPromise): string {
  const { key } = deal.party.provider.worker
  const { chainId, settlement } = world.deployment
  const file = join(world.folder, `${deal.party.name}-worker.sqlite`)
  const store = createWorkerStore({ file, identity: { chainId, settlement, worker: key.address } })
  const ref = { dealKey: deal.key, stream: 0 }
  try {
    for (const { receipt } of made) {
      const order = { dealKey: deal.key, ...receipt.order }
      const signature = signCompact(orderDigest(order, domainOf(world)), deal.orderKey)
      store.addOrders([{ order: { ...order, signature }, stream: ref.stream, dealId: deal.id }])
      const { units, workHash, outputRoot, plainHash } = receipt
      const times = { startedAt: BigInt(receipt.startedAt), endedAt: BigInt(receipt.endedAt) }
      store.appendReceipt(ref, order.index, { units, workHash, outputRoot, plainHash, finalState: null, ...times })
    }
    store.signTally(ref, 0, made.length, (tally) => signCompact(tallyDigest(tally, domainOf(world)), key.privateKey))
    store.keepPromise({ ...ref, first: 0, count: made.length, ...promise })
  } finally {
    store.close()
  }
  return file
}

/** Has `tally force` take what is kept in a store to the chain, sent by the provider's owner. */
export async function tallyForce(world: World, deal: Deal, store: string): Promise<void> {
  const { owner, worker } = deal.party.provider
  const args = [
    ...['cli/main.ts', 'force', '--json', '--rpc', world.rpcUrl, '--address', world.deployment.settlement],
    ...['--store', store, '--worker', String(worker.index), '--deal', String(deal.id)],
    ...['--key-env', OWNER_KEY],
  ]
  const { code, output } = await run(process.execPath, args, { show: false, env: { [OWNER_KEY]: owner.privateKey } })
  if (code !== 0) throw new Error(`tally force ended with code ${code}: ${output}`)
}

const OWNER_KEY = 'TALLY_OWNER_KEY'
