/**
 * Netted deals in a scenario: members' bonds, batches in blobs, forces, closings, and everybody's knowledge of where the
 * streams stand.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex, keccak256, numberToHex, zeroHash } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import { demoStakeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { encodeBatch } from '#protocol/batch.ts'
import { netBatchRoot } from '#protocol/net-batch.ts'
import { type BuiltNetBatch, buildNetBatch, type NetDeal, type NetOrder } from '#protocol/net-build.ts'
import { createNetState, type NetState, proofOf, withForce } from '#protocol/net-state.ts'
import { type DealTerms, Lane, Mode, type Offer } from '#protocol/types.ts'
import { commitBlobs, signBlobTransaction, wrapBlobTransaction } from '#runtime/blob-transaction.ts'
import type { Kzg } from '#runtime/kzg.ts'

import { fund } from './rpc.ts'
import {
  type Actor,
  actorOf,
  type DealHand,
  type Mined,
  type ProviderHand,
  type Scenario,
  type Segment,
} from './scenario.ts'

/** How a batch is settled, if not as usual. */
export type NetSending = {
  readonly signers?: readonly Actor[]
  readonly epoch?: number
}

const HOUR = 3600
const QUARTER = 900
const TOKEN = 10n ** 18n
const FEE = 10n ** 12n
const GAS = 16_000_000n
const NO_PERMIT = { deadline: 0n, v: 0, r: zeroHash, s: zeroHash }

/** Creates hands for netted deals; `shelf` gets every blob that was sent, by its versioned hash. */
export function createNetScenario(scenario: Scenario, kzg: Kzg, shelf: Map<string, Uint8Array>) {
  const { rpc, client, deployment, members, submit, send } = scenario
  const { settlement, registry, stake } = deployment
  const bonder = actorOf('bonder')
  const sender = actorOf('sender of blobs')
  const deals = new Map<number, NetDeal>()
  const books: { state: NetState } = { state: createNetState() }

  const clock = async (): Promise<number> =>
    await client.readContract({ abi: settlementAbi, address: settlement, functionName: 'clock' })

  /** Lets every member bond this many whole stake tokens; the last transaction. */
  async function bond(tokens: bigint): Promise<Mined[]> {
    const total = tokens * TOKEN * BigInt(members.length)
    await send(
      bonder,
      stake,
      encodeFunctionData({ abi: demoStakeAbi, functionName: 'mint', args: [bonder.address, total] }),
    )
    const approval = [registry, total] as const
    await send(bonder, stake, encodeFunctionData({ abi: demoStakeAbi, functionName: 'approve', args: approval }))
    const mined: Mined[] = []
    for (const member of members) {
      const name = [member.address, bonder.address] as const
      await send(member, registry, encodeFunctionData({ abi: registryAbi, functionName: 'nameBondOwner', args: name }))
      const args = [member.address, tokens * TOKEN, NO_PERMIT] as const
      mined.push(await send(bonder, registry, encodeFunctionData({ abi: registryAbi, functionName: 'bond', args })))
    }
    return mined
  }

  /** Opens a netted deal and writes it into the books. */
  async function open(
    provider: ProviderHand,
    buyer: Actor,
    changes: { offer?: Partial<Offer>; terms?: Partial<DealTerms> } = {},
  ): Promise<{ deal: DealHand; mined: Mined }> {
    const opened = await scenario.open(provider, buyer, { ...changes, offer: { mode: Mode.Net, ...changes.offer } })
    const { id, key, offer, terms } = opened.deal
    const args = [buyer.address] as const
    const [index] = await client.readContract({
      abi: settlementAbi,
      address: settlement,
      functionName: 'netBuyer',
      args,
    })
    const { price } = offer
    deals.set(id, { key, price, buyer: index, provider: provider.id, budget: terms.budget, streams: terms.streams })
    return opened
  }

  /** A batch of these segments on top of the books, good for an hour. */
  async function build(segments: readonly Segment[], change: Partial<NetOrder> = {}): Promise<BuiltNetBatch> {
    const groups = segments.map(({ group }) => group)
    const { tree, queueFrom } = books.state
    return buildNetBatch({ tree, deals, groups, until: (await clock()) + HOUR, queueTo: queueFrom, ...change })
  }

  async function submitBlobs(data: Hex, blobs: readonly Uint8Array[]): Promise<Mined> {
    await fund(rpc, sender.address)
    const committed = await commitBlobs(kzg, blobs)
    for (const { blob, versionedHash } of committed) shelf.set(versionedHash, blob)
    const fields = {
      ...{ chainId: scenario.chainId, to: settlement, data, gas: GAS },
      ...{ maxFeePerGas: FEE, maxPriorityFeePerGas: 0n, maxFeePerBlobGas: FEE },
      nonce: await client.getTransactionCount({ address: sender.address }),
    }
    const { serialized } = await signBlobTransaction(privateKeyToAccount(sender.key), fields, committed)
    const wrapped = await wrapBlobTransaction(kzg, serialized, committed, 'proofs')
    const hash = keccak256(serialized)
    try {
      await rpc.request({ method: 'eth_sendRawTransaction', params: [wrapped] })
    } catch (error) {
      // in-process chains answer a reverting transaction with an error although they mine it
      if ((await rpc.request({ method: 'eth_getTransactionReceipt', params: [hash] })) === null) throw error
    }
    const receipt = await client.waitForTransactionReceipt({ hash, pollingInterval: 20 })
    const { blockNumber, status, gasUsed, logs } = receipt
    return { hash, block: Number(blockNumber), succeeded: status === 'success', gasUsed, logs }
  }

  /** Lets members attest a batch, whatever it says, and sends it; the books move if it goes through. */
  async function settle(built: BuiltNetBatch, { signers, epoch }: NetSending = {}): Promise<Mined> {
    const { encoded, batch, blobs, tree } = built
    const versionedHashes = (await commitBlobs(kzg, blobs)).map(({ versionedHash }) => versionedHash)
    const previous = await client.readContract({ abi: settlementAbi, address: settlement, functionName: 'netRoot' })
    const root = netBatchRoot(encoded, { versionedHashes, previous, queueFrom: books.state.queueFrom })
    const args = [encoded, scenario.attestRoot(root, signers, epoch)] as const
    const data = encodeFunctionData({ abi: settlementAbi, functionName: 'settle', args })
    const mined = blobs.length === 0 ? await submit(scenario.relay, settlement, data) : await submitBlobs(data, blobs)
    if (mined.succeeded) books.state = { tree, queueFrom: batch.queueTo }
    return mined
  }

  /** The bytes of one group, as it is announced. */
  const bytesOf = ({ group }: Segment): Hex =>
    `0x${encodeBatch({ mode: Mode.Calldata, lane: Lane.Attested, groups: [group] }).slice(6)}`

  const announce = async (segment: Segment, actor: Actor): Promise<Mined> => {
    const args = [bytesOf(segment), '0x'] as const
    return await submit(
      actor,
      settlement,
      encodeFunctionData({ abi: settlementAbi, functionName: 'announceForce', args }),
    )
  }

  function shown(id: number) {
    const { leaf, path } = proofOf(books.state, id)
    return [leaf, { mask: path.mask, siblings: [...path.siblings] }] as const
  }

  /** Call that executes an announced group. */
  function executeData(index: number, segment: Segment): Hex {
    const args = [index, bytesOf(segment), ...shown(segment.deal.id)] as const
    return encodeFunctionData({ abi: settlementAbi, functionName: 'executeForce', args })
  }

  /** Executes an announced group by anyone, or as `send` does it; the books move if it goes through. */
  async function execute(
    index: number,
    segment: Segment,
    send = async (data: Hex): Promise<Mined> => await submit(actorOf('anyone'), settlement, data),
  ): Promise<Mined> {
    const { deal, tally } = segment
    const mined = await send(executeData(index, segment))
    const cell = { cursor: tally.count, units: tally.units }
    const move = { dealId: deal.id, stream: tally.stream, cell }
    if (mined.succeeded) {
      books.state = withForce(books.state, move, { key: deal.key, streams: deal.terms.streams })
    }
    return mined
  }

  /** Closes or stops a netted deal by its leaf, by anyone. */
  const end = async (functionName: 'closeNet' | 'stopNet', id: number): Promise<Mined> => {
    const data = encodeFunctionData({ abi: settlementAbi, functionName, args: [id, ...shown(id)] })
    return await submit(actorOf('anyone'), settlement, data)
  }

  const closeUnproven = async (id: number): Promise<Mined> => {
    const data = encodeFunctionData({ abi: settlementAbi, functionName: 'closeUnproven', args: [id] })
    return await submit(actorOf('anyone'), settlement, data)
  }

  /** Lets the protocol clock come into the first minutes of a quarter of an hour, or out of them. */
  async function awaitQuarter(isInside = true): Promise<void> {
    const wanted = isInside ? 60 : QUARTER / 2
    const into = (await clock()) % QUARTER
    const seconds = (wanted - into + QUARTER) % QUARTER
    await rpc.request({ method: 'evm_increaseTime', params: [numberToHex(seconds === 0 ? QUARTER : seconds)] })
    await rpc.request({ method: 'evm_mine', params: [] })
  }

  return { books, deals, bonder, bond, open, build, settle, announce, execute, end, closeUnproven, awaitQuarter, clock }
}

/** Hands for netted deals. */
export type NetScenario = ReturnType<typeof createNetScenario>

/** Address that a bond's transactions go to. */
export function bondCall(functionName: 'thawBond' | 'withdrawBond', signer: Address, to: Address, amount = 0n): Hex {
  return functionName === 'thawBond'
    ? encodeFunctionData({ abi: registryAbi, functionName, args: [signer, amount] })
    : encodeFunctionData({ abi: registryAbi, functionName, args: [signer, to] })
}
