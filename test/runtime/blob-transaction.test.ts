/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import {
  type Address,
  createPublicClient,
  custom,
  decodeEventLog,
  encodeFunctionData,
  type Hex,
  numberToHex,
  type PublicClient,
  parseAbi,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import { packBlobs } from '#protocol/blob.ts'
import { createBlobSender } from '#runtime/blob-sender.ts'
import {
  type BlobWrapper,
  type CommittedBlob,
  commitBlobs,
  GAS_PER_BLOB,
  signBlobTransaction,
  wrapBlobTransaction,
} from '#runtime/blob-transaction.ts'
import { createKzg } from '#runtime/kzg.ts'
import { type Anvil, startAnvil } from '#scripts/bench/anvil.ts'

import { caught } from './support/caught.ts'

const abi = parseAbi(['function look(uint256 count)', 'event Seen(bytes32[] hashes)'])
const account = privateKeyToAccount(`0x${'51'.repeat(32)}`)
const CHAIN_ID = 31_337
const ZERO: Hex = `0x${'00'.repeat(32)}`

/** Blobs that differ, one group in each. */
const someBlobs = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, index) => {
    const [blob = new Uint8Array()] = packBlobs([new Uint8Array(100).fill(index + 1)]).blobs
    return blob
  })

type Rpc = { request(call: { method: string; params: unknown[] }): Promise<unknown> }
type Chain = { readonly rpc: Rpc; readonly client: PublicClient; readonly probe: Address; close(): Promise<void> }

async function open(client: 'EDR' | 'anvil'): Promise<Chain> {
  const anvil: Anvil | undefined = client === 'anvil' ? await startAnvil('osaka', 2_000_000_000) : undefined
  const connection =
    anvil === undefined
      ? await network.create({ network: 'osaka' })
      : await network.create({ network: 'localhost', override: { url: anvil.url } })
  const rpc: Rpc = { request: async (call) => await connection.provider.request(call) }
  await rpc.request({ method: 'hardhat_setBalance', params: [account.address, numberToHex(10n ** 20n)] })
  const probe = await connection.ethers.deployContract('BlobProbe')
  await probe.waitForDeployment()
  return {
    rpc,
    client: createPublicClient({ transport: custom(rpc, { retryCount: 0 }), pollingInterval: 10 }),
    probe: (await probe.getAddress()) as Address,
    close: async () => {
      await connection.close()
      await anvil?.stop()
    },
  }
}

describe('a transaction with blobs', function () {
  this.timeout(60_000)
  const kzg = createKzg()
  const fields = (chain: Chain, nonce: number, count: number) => ({
    chainId: CHAIN_ID,
    nonce,
    to: chain.probe,
    data: encodeFunctionData({ abi, functionName: 'look', args: [BigInt(count)] }),
    gas: 500_000n,
    maxFeePerGas: 10n ** 11n,
    maxPriorityFeePerGas: 0n,
    maxFeePerBlobGas: 10n ** 9n,
  })

  async function seen(chain: Chain, hash: Hex) {
    const receipt = await chain.client.waitForTransactionReceipt({ hash })
    expect(receipt.status).to.equal('success')
    const [log] = receipt.logs
    if (log === undefined) return expect.fail('no event')
    return { receipt, hashes: decodeEventLog({ abi, data: log.data, topics: log.topics }).args.hashes }
  }

  const clients: readonly ['EDR' | 'anvil', BlobWrapper][] = [
    ['EDR', 'proofs'],
    ['anvil', 'cells'],
  ]
  for (const [client, wrapper] of clients) {
    describe(`on ${client}`, () => {
      let chain: Chain
      let nonce = 0
      before(async () => {
        chain = await open(client)
      })
      after(() => chain.close())

      for (const count of [1, 6]) {
        it(`lands with ${count} and shows them to the contract`, async () => {
          const blobs = await commitBlobs(kzg, someBlobs(count))
          const signed = await signBlobTransaction(account, fields(chain, nonce, count + 1), blobs)
          const sender = createBlobSender({ kzg, request: chain.rpc.request, wrapper })
          expect(await sender.send(signed.serialized, blobs)).to.equal(signed.hash)
          nonce += 1
          const { receipt, hashes } = await seen(chain, signed.hash)
          expect(hashes).to.deep.equal([...blobs.map(({ versionedHash }) => versionedHash), ZERO])
          expect(receipt.type).to.equal('eip4844')
          const { blobVersionedHashes } = await chain.client.getTransaction({ hash: signed.hash })
          expect(blobVersionedHashes).to.deep.equal(blobs.map(({ versionedHash }) => versionedHash))
          // EDR's receipts leave it out
          if (client === 'anvil') expect(receipt.blobGasUsed).to.equal(BigInt(count) * GAS_PER_BLOB)
        })
      }

      it('finds out by itself which form the node takes, and remembers', async () => {
        const blobs = await commitBlobs(kzg, someBlobs(1))
        const sent: number[] = []
        const request: Rpc['request'] = async (call) => {
          sent.push(JSON.stringify(call.params).length)
          return await chain.rpc.request(call)
        }
        const sender = createBlobSender({ kzg, request })
        expect(sender.wrapper()).to.equal(undefined)
        for (const _ of [1, 2]) {
          const signed = await signBlobTransaction(account, fields(chain, nonce, 1), blobs)
          await sender.send(signed.serialized, blobs)
          nonce += 1
          await seen(chain, signed.hash)
          expect(sender.wrapper()).to.equal(wrapper)
        }
        expect(sent.length).to.equal(wrapper === 'cells' ? 2 : 3)
      })

      it('is refused for what is wrong with it, not for its form', async () => {
        const blobs = await commitBlobs(kzg, someBlobs(1))
        const signed = await signBlobTransaction(account, { ...fields(chain, nonce, 1), gas: 100n }, blobs)
        const sender = createBlobSender({ kzg, request: chain.rpc.request })
        expect((await caught(sender.send(signed.serialized, blobs))).message).to.match(/gas/)
      })
    })
  }

  describe('before it is sent', () => {
    const to: Address = `0x${'22'.repeat(20)}`
    let blobs: CommittedBlob[]
    const plain = { chainId: CHAIN_ID, nonce: 0, to, data: '0x', gas: 21_000n, maxFeePerGas: 1n } as const
    const whole = { ...plain, maxPriorityFeePerGas: 0n, maxFeePerBlobGas: 1n } as const
    before(async () => {
      blobs = await commitBlobs(kzg, someBlobs(2))
    })

    it('names at least one blob', async () => {
      expect(await caught(signBlobTransaction(account, whole, []))).to.include({ code: 'blob-transaction.invalid' })
    })

    it('is never wrapped with other blobs than it names, nor when it is another transaction', async () => {
      const { serialized } = await signBlobTransaction(account, whole, blobs)
      const other = await account.signTransaction({ ...plain, type: 'eip1559' })
      const wrong: readonly [Hex, readonly CommittedBlob[]][] = [
        [serialized, blobs.slice(1)],
        [serialized, blobs.toReversed()],
        [other, blobs],
        ['0x03c0', blobs],
        ['0x0380', blobs],
        ['0x03ff', blobs],
      ]
      for (const [bytes, named] of wrong) {
        const error = await caught(wrapBlobTransaction(kzg, bytes, named, 'proofs'))
        expect(error).to.include({ code: 'blob-transaction.invalid' })
      }
    })
  })
})
