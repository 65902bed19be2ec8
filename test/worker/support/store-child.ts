/**
 * A worker's store at work in a process of its own, to be killed anywhere: takes the orders 0 to 39, gives each a receipt
 * whose content no other run would repeat, signs now and then, and prints every tally with its receipts before going on,
 * as if it were delivered. Starts only where its settings are given.
 *
 * @module
 */
import { tallyDigest } from '#protocol/eip712.ts'
import { toWire } from '#protocol/wire.ts'
import { createFaultPoints } from '#runtime/fault-points.ts'
import { createWorkerStore } from '#worker/store.ts'

import { dealKey, domain, identity, orderOf, outcomeOf, signWith, workerKey } from './fixtures.ts'

const file = process.env.TALLY_TEST_STORE
if (file !== undefined) {
  const faults = createFaultPoints(process.env.TALLY_FAULT_POINT)
  const store = createWorkerStore({ file, identity })
  const ref = { dealKey, stream: 0 }
  const sign = signWith(workerKey, (tally) => tallyDigest(tally, domain))
  for (let index = 0; index < 40; index += 4) {
    store.addOrders([{ order: orderOf(index), stream: 0, dealId: 7 }])
    faults.hit('order.stored')
  }
  for (const order of store.openOrders(ref, 100)) {
    faults.hit('job.done')
    store.appendReceipt(ref, order.index, outcomeOf(Number(order.index), process.pid, BigInt(1 + (process.pid % 5))))
    faults.hit('receipt.stored')
    const { count } = store.head(ref)
    const tally = store.signTally(ref, 0, count, sign)
    faults.hit('tally.signed')
    process.stdout.write(`${JSON.stringify(toWire({ tally, receipts: store.receipts(ref, 0, count) }))}\n`)
    faults.hit('segment.delivered')
  }
  store.close()
}
