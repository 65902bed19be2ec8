/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'

import { packBlobs } from '#protocol/blob.ts'
import { createKzg } from '#runtime/kzg.ts'

import { expectGas } from '../support/gas.ts'
import { deployOpenings, openingOf, placeOf, putBatch, work, workAt, works } from '../support/mock-ring.ts'

describe('gas of openings', function () {
  this.timeout(60_000)

  for (const fork of ['osaka', 'amsterdam'] as const) {
    it(`of a receipt in a group of five, in a batch of 200, on ${fork}`, async () => {
      const { ethers } = await network.create({ network: fork })
      const chain = await deployOpenings(ethers)
      const batch = await putBatch(chain, works(200), { newest: true })
      const { data } = await chain.openings.proveSettled.populateTransaction(
        placeOf(batch, 77),
        workAt(batch, 77).bytes,
        44,
      )
      const [sender] = await ethers.getSigners()
      const sent = await sender?.sendTransaction({ to: chain.openings, data })
      if (sent === undefined) return expect.fail('nobody sends')
      await expectGas(`${fork}: prove a settled receipt, group of 5 in a batch of 200`, sent)
    })
  }

  it('of the longest group there can be, void, fits one transaction', async () => {
    const { ethers } = await network.create({ network: 'osaka' })
    const kzg = createKzg()
    const chain = await deployOpenings(ethers)
    const bytes = new Uint8Array(256 * 31).fill(7)
    const { blobs } = packBlobs([bytes])
    const batch = await putBatch(chain, [{ ...work(0), bytes }], { kzg, blobs })
    const { data } = await chain.openings.proveVoid.populateTransaction(
      placeOf(batch, 0),
      workAt(batch, 0).tally.segment,
      await openingOf(kzg, batch, 0),
    )
    const [sender] = await ethers.getSigners()
    const sent = await sender?.sendTransaction({ to: chain.openings, data, gasLimit: 2n ** 24n })
    if (sent === undefined) return expect.fail('nobody sends')
    await expectGas('osaka: prove a void group of 256 elements', sent)
  })
})
