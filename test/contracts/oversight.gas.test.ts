/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'

import { bytesOf, gasOf } from '../support/oversight.ts'
import { placeUnderIts, unorderedIn, vouchedMarket } from '../support/refuted.ts'
import { attest } from '../support/settling.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

describe('Gas of oversight', () => {
  it('is at most 110,000 for one member who vouched for what was refuted', async () => {
    const chain = await unorderedIn(await vouchedMarket(ethers, networkHelpers), networkHelpers, 'inCalldata')
    const { oversight, refutation, batch, group, rival } = chain
    const attestation = attest(chain, batch.link.root, { signers: [1] })
    const place = placeUnderIts(batch, 0)
    const tx = oversight.connect(rival).proveBadAttestation(refutation, place, bytesOf(group), '0x', attestation)
    expect(await gasOf(tx)).to.be.at.most(110_000)
  })
})
