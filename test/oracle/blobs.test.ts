import { expect } from 'chai'
import { encodeFunctionData, type Hex } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import { Claim, encodeAttestation } from '#protocol/attestation.ts'
import { encodeBatch } from '#protocol/batch.ts'
import { batchRoot, groupHash, tallyOfGroup } from '#protocol/batch-root.ts'
import { packBlobBatch, readBlobBatch } from '#protocol/blob-batch.ts'
import { attestationDigest } from '#protocol/eip712.ts'
import { signCompact } from '#protocol/signature.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { segmentToGroup } from '#protocol/wire.ts'
import { createBlobReader } from '#runtime/blob-reader.ts'
import { createBlobSender } from '#runtime/blob-sender.ts'
import { type CommittedBlob, commitBlobs, signBlobTransaction } from '#runtime/blob-transaction.ts'
import { createKzg } from '#runtime/kzg.ts'
import {
  accountOf,
  type Deployment,
  deploy,
  freePort,
  keyOf,
  openDeal,
  startChain,
  streamOf,
  type TestChain,
  untilTrue,
} from './support/chain.ts'
import { call, startMember, type TestMember } from './support/member.ts'
import { type Place, receiptOf, segmentOf } from './support/work.ts'

const CHAIN_ID = 31_337
const WORKER = 512

describe('members that keep the blobs of a chain', function () {
  this.timeout(120_000)
  const kzg = createKzg()
  let chain: TestChain
  let deployment: Deployment
  let members: TestMember[]
  let place: Place

  before(async () => {
    chain = await startChain()
    const ports = [await freePort(), await freePort()]
    const seats = ports.map((port, index) => ({
      signer: accountOf(`member ${index}`).address,
      endpoint: `http://127.0.0.1:${port}`,
    }))
    deployment = await deploy(chain, seats, 2)
    const { id, key } = await openDeal(chain, deployment, { program: `0x${'11'.repeat(32)}` })
    const domain = { chainId: CHAIN_ID, verifyingContract: deployment.settlement }
    place = { domain, dealId: id, dealKey: key, worker: WORKER }
    members = await Promise.all(ports.map((port, index) => startMember(chain, deployment, { index, port })))
  })
  after(async () => {
    for (const member of members ?? []) await member.remove()
    await chain?.stop()
  })

  /** Settles one group in a blob, as some other relay would, and returns the blob. */
  async function settleInBlob(): Promise<CommittedBlob> {
    const group = segmentToGroup(segmentOf(place, 0, [receiptOf(place, 0), receiptOf(place, 1)]))
    const { batch, blobs } = packBlobBatch(Lane.Attested, [group])
    const committed = await commitBlobs(kzg, blobs)
    const root = batchRoot({
      mode: Mode.Blob,
      groupHashes: [groupHash(tallyOfGroup(group, place.dealKey))],
      blobs: committed.map(({ versionedHash }) => ({ versionedHash, groups: 1 })),
    })
    const attested = { epoch: 1, root, claims: Claim.Tallies }
    const committee = { chainId: CHAIN_ID, verifyingContract: deployment.committee }
    const signatures = [0, 1].map((index) => ({
      index,
      signature: signCompact(attestationDigest(attested, committee), keyOf(`member ${index}`)),
    }))
    const args = [encodeBatch(batch), encodeAttestation({ ...attested, signatures })] as const
    const relay = accountOf('relay')
    await chain.client.setBalance({ address: relay.address, value: 10n ** 20n })
    const fields = {
      ...{ chainId: CHAIN_ID, nonce: 0, gas: 2_000_000n, to: deployment.settlement },
      ...{ maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 0n, maxFeePerBlobGas: 10n ** 11n },
      data: encodeFunctionData({ abi: settlementAbi, functionName: 'settle', args }),
    }
    const { serialized, hash } = await signBlobTransaction(relay, fields, committed)
    const request = async ({ params: [raw] }: { params: [Hex] }) =>
      await chain.client.sendRawTransaction({ serializedTransaction: raw })
    await createBlobSender({ kzg, request }).send(serialized, committed)
    const receipt = await chain.client.waitForTransactionReceipt({ hash })
    expect(receipt.status).to.equal('success')
    expect(await streamOf(chain, deployment.settlement, place.dealId, 0)).to.deep.equal({ count: 2, units: 2n })
    const [blob] = committed
    return blob ?? expect.fail('no blob')
  }

  const urlOf = (index: number): string => members[index]?.url ?? ''
  const blobsOf = async (index: number) => (await call(urlOf(index), '/v1/status')).body.blobs

  it('see it on the chain, take it from anybody, and fetch it from one another', async () => {
    const { blob, versionedHash } = await settleInBlob()
    const put = async () =>
      await fetch(`${urlOf(0)}/v1/blobs/${versionedHash}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/octet-stream', connection: 'close' },
        body: Buffer.from(blob),
      })
    // until the member has followed the chain to the batch it expects no such blob
    await untilTrue(async () => (await put()).ok, 10_000, 'taking the blob')
    expect(await blobsOf(0)).to.deep.equal({ kept: 1, missing: 0, waiting: 0 })

    const isFetched = async () => JSON.stringify(await blobsOf(1)) === JSON.stringify(await blobsOf(0))
    await untilTrue(isFetched, 30_000, 'fetching it from the other member')
    const read = await createBlobReader({ kzg, archives: [urlOf(1)] }).read(versionedHash)
    const group = segmentToGroup(segmentOf(place, 0, [receiptOf(place, 0), receiptOf(place, 1)]))
    const { batch } = packBlobBatch(Lane.Attested, [group])
    const [receipts] = readBlobBatch(batch, [read])
    expect(receipts).to.deep.include({ kind: 'receipts', receipts: group.receipts })
  })
})
