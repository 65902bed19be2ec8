/**
 * Netted deals, the batches that settle them, and the transactions with blobs that carry those.
 *
 * @module
 */
import { type Address, type Hex, numberToHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import { encodeBatch, type Group } from '#protocol/batch.ts'
import { netBatchRoot } from '#protocol/net-batch.ts'
import { type BuiltNetBatch, buildNetBatch, type NetDeal, type NetOrder } from '#protocol/net-build.ts'
import { proofOf } from '#protocol/net-state.ts'
import { createNetTree, type NetTree } from '#protocol/net-tree.ts'
import { Lane, Mode } from '#protocol/types.ts'
import { type CommittedBlob, commitBlobs, signBlobTransaction, wrapBlobTransaction } from '#runtime/blob-transaction.ts'
import { createKzg } from '#runtime/kzg.ts'

import { signerNamed } from './actors.ts'
import type { Deployment } from './deployment.ts'
import { type DealOptions, NO_PERMIT, type OpenDeal, openDeal, type Provider, STAKE } from './market.ts'
import { lastClock } from './protocol-clock.ts'
import { attest } from './settling.ts'

/** Commitments and proofs of all tests. */
export const kzg = createKzg()

const HOUR = 3600
const GAS = 2n ** 24n
const FEE = 10n ** 11n
const ETHER = 10n ** 18n
const sender = signerNamed('sender of blobs')

/** What everybody knows of the netted deals: where their streams stand, and what bounds them. */
export type NetBooks = { tree: NetTree; queueFrom: number; readonly deals: Map<number, NetDeal> }

/** Books without a deal. */
export function createNetBooks(): NetBooks {
  return { tree: createNetTree(), queueFrom: 0, deals: new Map() }
}

/** The same books for one test alone: fixtures take back what happened on the chain, not here. */
export function copyOf({ tree, queueFrom, deals }: NetBooks): NetBooks {
  return { tree, queueFrom, deals: new Map(deals) }
}

/** Lets every member of the committee bond this many whole stake tokens. */
export async function bondMembers(deployment: Deployment, tokens = 1_000n): Promise<void> {
  const { ethers, members, registry, stake, owner } = deployment
  await stake.mint(owner, tokens * STAKE * BigInt(members.length))
  await stake.connect(owner).approve(registry, tokens * STAKE * BigInt(members.length))
  for (const { privateKey, address } of members) {
    await ethers.provider.send('hardhat_setBalance', [address, numberToHex(ETHER)])
    await registry.connect(new ethers.Wallet(privateKey, ethers.provider)).nameBondOwner(address, owner)
    await registry.connect(owner).bond(address, tokens * STAKE, NO_PERMIT)
  }
}

/** Opens a netted deal and writes it into the books. */
export async function openNetDeal(
  deployment: Deployment,
  books: NetBooks,
  provider: Provider,
  options: DealOptions = {},
): Promise<OpenDeal> {
  const deal = await openDeal(deployment, provider, { ...options, offer: { mode: Mode.Net, ...options.offer } })
  const { index } = await deployment.tally.netBuyer(deal.buyer)
  books.deals.set(deal.id, {
    key: deal.key,
    provider: provider.id,
    buyer: Number(index),
    price: deal.offer.price,
    budget: deal.terms.budget,
    streams: deal.terms.streams,
  })
  return deal
}

/** A batch of these groups on top of the books. */
export async function netBatchOf(
  deployment: Deployment,
  books: NetBooks,
  groups: readonly Group[],
  change: Partial<NetOrder> = {},
): Promise<BuiltNetBatch> {
  const until = (await lastClock(deployment)) + HOUR
  const { tree, deals, queueFrom } = books
  return buildNetBatch({ tree, deals, groups, until, queueTo: queueFrom, ...change })
}

/** A deal's leaf and its path, as the contracts take them. */
export function leafOf(books: NetBooks, dealId: number): [leaf: Hex, path: { mask: number; siblings: Hex[] }] {
  const { leaf, path } = proofOf(books, dealId)
  return [leaf, { mask: path.mask, siblings: [...path.siblings] }]
}

/** The bytes of one group, as batches in calldata have them. */
export function groupBytesOf(group: Group): Hex {
  return `0x${encodeBatch({ mode: Mode.Calldata, lane: Lane.Attested, groups: [group] }).slice(6)}`
}

/** What a net batch is sent with. */
export type NetSending = {
  readonly encoded: Hex
  readonly blobs: readonly Uint8Array[]
  /** Net root before it. */
  readonly previous: Hex
  readonly queueFrom: number
  readonly signers?: readonly number[]
  readonly claims?: number
}

/** A net batch that went through. */
export type NetSettled = {
  readonly hash: Hex
  readonly root: Hex
  readonly gas: bigint
  readonly blobs: CommittedBlob[]
}

/** Signs a net batch for the committee and sends it with its blobs, whatever it says. */
export async function sendNetBatch(deployment: Deployment, sending: NetSending): Promise<NetSettled> {
  const { ethers, settlement } = deployment
  const { encoded, previous, queueFrom, signers, claims } = sending
  const blobs = await commitBlobs(kzg, sending.blobs)
  const versionedHashes = blobs.map(({ versionedHash }) => versionedHash)
  const root = netBatchRoot(encoded, { versionedHashes, previous, queueFrom })
  const authority = attest(deployment, root, {
    ...(signers === undefined ? {} : { signers }),
    ...(claims === undefined ? {} : { claims }),
  })
  const data = settlement.interface.encodeFunctionData('settle', [encoded, authority]) as Hex
  const hash = await sendBlobs(deployment, data, blobs)
  const receipt = await ethers.provider.getTransactionReceipt(hash)
  if (receipt === null) throw new Error('the batch was not mined')
  return { hash, root, gas: receipt.gasUsed, blobs }
}

/** Settles a batch and moves the books on. */
export async function settleNets(
  deployment: Deployment,
  books: NetBooks,
  built: BuiltNetBatch,
  change: Partial<NetSending> = {},
): Promise<NetSettled> {
  const { encoded, blobs } = built
  const previous = books.tree.root
  const settled = await sendNetBatch(deployment, { encoded, blobs, previous, queueFrom: books.queueFrom, ...change })
  books.tree = built.tree
  books.queueFrom = built.batch.queueTo
  return settled
}

async function sendBlobs({ ethers, settlement }: Deployment, data: Hex, blobs: CommittedBlob[]): Promise<Hex> {
  const { provider } = ethers
  await provider.send('hardhat_setBalance', [sender.address, numberToHex(100n * ETHER)])
  const account = privateKeyToAccount(sender.privateKey)
  const fields = {
    chainId: Number((await provider.getNetwork()).chainId),
    nonce: await provider.getTransactionCount(sender.address),
    to: (await settlement.getAddress()) as Address,
    data,
    gas: GAS,
    maxFeePerGas: FEE,
    maxPriorityFeePerGas: 0n,
  }
  if (blobs.length === 0) {
    const plain = await account.signTransaction({ ...fields, type: 'eip1559' })
    return await provider.send('eth_sendRawTransaction', [plain])
  }
  const { serialized } = await signBlobTransaction(account, { ...fields, maxFeePerBlobGas: FEE }, blobs)
  return await provider.send('eth_sendRawTransaction', [await wrapBlobTransaction(kzg, serialized, blobs, 'proofs')])
}
