/**
 * A whole settlement on a fresh chain, and hands for everybody in it: providers, workers, buyers, committee members.
 *
 * Keys are derived from names, so two runs of a scenario give the same bytes. Every transaction is signed by its sender
 * and mined by itself.
 *
 * @module
 */
import {
  type Abi,
  type Address,
  encodeFunctionData,
  type Hex,
  keccak256,
  type Log,
  type PublicClient,
  parseEventLogs,
  stringToHex,
  zeroAddress,
  zeroHash,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import { committeeAbi, demoDollarAbi, demoStakeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import type { Group } from '#protocol/batch.ts'
import { acknowledgementDigest, dealKey, forceDigest, offerHash } from '#protocol/eip712.ts'
import { signCompact } from '#protocol/signature.ts'
import { type DealTerms, type Domain, Kind, Lane, Mode, type Offer, type Receipt, type Tally } from '#protocol/types.ts'
import { PAGE_ROWS, packKeys } from '#protocol/worker-pages.ts'

import { clientOf, pass, type Rpc } from './rpc.ts'
import { createSender } from './sender.ts'
import { createSigning } from './signing.ts'

/** A compiled contract. */
export type Artifact = { abi: Abi; bytecode: Hex }

/** Somebody with a key. */
export type Actor = { name: string; key: Hex; address: Address }

/** A mined transaction. */
export type Mined = { hash: Hex; block: number; succeeded: boolean; gasUsed: bigint; logs: Log[] }

/** A provider with its workers, `index` as the registry counts them. */
export type ProviderHand = { id: number; owner: Actor; workers: readonly { actor: Actor; index: number }[] }

/** A deal and what its workers have signed so far, stream by stream. */
export type DealHand = {
  id: number
  key: Hex
  offer: Offer
  terms: DealTerms
  buyer: Actor
  buyerNonce: bigint
  provider: ProviderHand
  orderKey: Actor
  ackKey: Actor
  streams: { count: number; units: bigint }[]
}

/** One worker's signed segment. */
export type Segment = { group: Group; tally: Tally; deal: DealHand }

/** Addresses of a deployment. */
export type Deployment = {
  settlement: Address
  registry: Address
  committee: Address
  dollar: Address
  stake: Address
  accessManager: Address
}

/** `ILedger.Parameters`. */
export type Parameters = typeof DEFAULTS

/** Production default parameters; stake is worth as much as dollars. */
export const DEFAULTS = {
  attestedWindow: 86_400,
  forcedWindow: 259_200,
  closingPeriod: 86_400,
  retention: 604_800,
  keyNotice: 86_400,
  coverageBps: 10_000,
  bondBps: 1000,
  protocolFeeBps: 100,
  committeeFeeBps: 50,
  stakeValue: 1_000_000,
}

/** How a scenario begins. */
export type ScenarioOptions = {
  rpc: Rpc
  artifact: (name: string) => Artifact
  parameters?: Partial<Parameters>
  /** Committee members, default 3; the threshold is their majority. */
  members?: number
  /** Where each member is reached; addresses nobody listens at if left out. */
  endpoints?: readonly string[]
}

const GRACE = 3600
/** A touch less than ten minutes old is not stored anew, and the clock runs on for an hour at most. */
const STEP = 3000

/** The actor of a name; the same name is the same key everywhere. */
export function actorOf(name: string): Actor {
  const key = keccak256(stringToHex(`scenario ${name}`))
  return { name, key, address: privateKeyToAccount(key).address }
}

/** A receipt nobody ran: the settlement cannot tell, and re-execution is not what these scenarios are about. */
export function receiptOf(label: string, units: bigint | number): Receipt {
  return { units: BigInt(units), workHash: keccak256(stringToHex(label)) }
}

/** Deploys everything and returns hands for it. */
export async function createScenario(options: ScenarioOptions) {
  const { rpc, artifact } = options
  const client: PublicClient = clientOf(rpc)
  const chainId = await client.getChainId()
  const deployer = actorOf('deployer')
  const relay = actorOf('relay')
  const court = actorOf('court')
  const treasury = actorOf('treasury').address
  const committeeTreasury = actorOf('committee treasury').address
  const members = Array.from({ length: options.members ?? 3 }, (_, i) => actorOf(`member ${i}`))
  const threshold = Math.floor(members.length / 2) + 1

  const { submit, send, deploy: create } = createSender(rpc, client, chainId)
  const deploy = async (name: string, args: readonly unknown[]): Promise<Address> =>
    await create(deployer, artifact(name), args)

  const parameters: Parameters = { ...DEFAULTS, ...options.parameters }
  const accessManager = await deploy('AccessManager', [deployer.address])
  const dollar = await deploy('DemoDollar', [])
  const stake = await deploy('DemoStake', [])
  const registry = await deploy('Registry', [await deploy('Pools', [accessManager, stake])])
  const seats = members.map(({ address }, i) => ({
    signer: address,
    endpoint: options.endpoints?.[i] ?? `http://127.0.0.1:${9000 + i}`,
  }))
  const committee = await deploy('Committee', [accessManager, GRACE, seats, threshold])
  const nets = await deploy('Nets', [accessManager, dollar, registry, committee])
  const faults = await deploy('Faults', [accessManager, dollar, registry, nets])
  const desk = await deploy('Desk', [accessManager, dollar, registry, zeroAddress, faults])
  const settlement = await deploy('Settlement', [desk, committee, parameters, treasury, committeeTreasury])
  await send(
    deployer,
    registry,
    encodeFunctionData({ abi: registryAbi, functionName: 'bind', args: [settlement, [court.address]] }),
  )
  await send(deployer, committee, encodeFunctionData({ abi: committeeAbi, functionName: 'bind', args: [settlement] }))
  const deployment: Deployment = { settlement, registry, committee, dollar, stake, accessManager }
  const domain: Domain = { chainId, verifyingContract: settlement }
  const signing = createSigning({ domain, committee, members, threshold })
  const { acknowledged, attest, rootOf, settleData } = signing

  /** One call of the settlement's, sent and expected to succeed. */
  const act = async (actor: Actor, data: Hex): Promise<Mined> => await send(actor, settlement, data)

  const tick = async (): Promise<Mined> =>
    await act(relay, encodeFunctionData({ abi: settlementAbi, functionName: 'tick' }))

  /** Lets the protocol clock run for `seconds`, touching it often enough that it does. */
  async function elapse(seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= STEP) {
      await pass(rpc, Math.min(left, STEP))
      await tick()
    }
  }

  async function join(name: string, stakeAmount: bigint, workerNames: readonly string[]): Promise<ProviderHand> {
    const owner = actorOf(name)
    const workers = workerNames.map(actorOf)
    const mint = encodeFunctionData({ abi: demoStakeAbi, functionName: 'mint', args: [owner.address, stakeAmount] })
    await send(owner, stake, mint)
    const approval = [registry, stakeAmount] as const
    await send(owner, stake, encodeFunctionData({ abi: demoStakeAbi, functionName: 'approve', args: approval }))
    const permit = { deadline: 0n, v: 0, r: zeroHash, s: zeroHash }
    const keys = workers.length === 0 ? '0x' : packKeys(workers.map(({ address }) => address))
    const args = [stakeAmount, permit, owner.address, zeroAddress, keys] as const
    const mined = await send(owner, registry, encodeFunctionData({ abi: registryAbi, functionName: 'join', args }))
    const [joined] = parseEventLogs({ abi: registryAbi, logs: mined.logs, eventName: 'Joined' })
    const [registered] = parseEventLogs({ abi: registryAbi, logs: mined.logs, eventName: 'WorkersRegistered' })
    const first = registered?.args.firstIndex ?? PAGE_ROWS
    return {
      id: joined?.args.provider ?? 0,
      owner,
      workers: workers.map((actor, row) => ({ actor, index: first + row })),
    }
  }

  /** Gives a buyer dollars and lets the settlement take them. */
  async function mint(buyer: Actor, amount: bigint): Promise<Mined> {
    const given = [buyer.address, amount] as const
    await send(buyer, dollar, encodeFunctionData({ abi: demoDollarAbi, functionName: 'mint', args: given }))
    const approval = [settlement, amount] as const
    return await send(
      buyer,
      dollar,
      encodeFunctionData({ abi: demoDollarAbi, functionName: 'approve', args: approval }),
    )
  }

  /** Transfers dollars to the settlement, which credits nobody for them. */
  async function donate(donor: Actor, amount: bigint): Promise<Mined> {
    await mint(donor, amount)
    const args = [settlement, amount] as const
    return await send(donor, dollar, encodeFunctionData({ abi: demoDollarAbi, functionName: 'transfer', args }))
  }

  /** Sends calls of different actors to the settlement and mines them together, in order. */
  async function inOneBlock(calls: readonly { actor: Actor; data: Hex }[]): Promise<Mined[]> {
    await rpc.request({ method: 'evm_setAutomine', params: [false] })
    try {
      const sent: Promise<Mined>[] = []
      for (const [index, { actor, data }] of calls.entries()) {
        sent.push(submit(actor, settlement, data))
        await waitForPending(index + 1)
      }
      await rpc.request({ method: 'evm_mine', params: [] })
      return await Promise.all(sent)
    } finally {
      await rpc.request({ method: 'evm_setAutomine', params: [true] })
    }
  }

  async function waitForPending(count: number): Promise<void> {
    for (;;) {
      const pending = await client.getBlock({ blockTag: 'pending' })
      if (pending.transactions.length >= count) return
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async function deposit(buyer: Actor, amount: bigint): Promise<Mined> {
    await mint(buyer, amount)
    const args = [buyer.address, amount] as const
    return await act(buyer, encodeFunctionData({ abi: settlementAbi, functionName: 'deposit', args }))
  }

  /** An offer with room for everything, changed by `changes`. */
  async function offerOf(provider: ProviderHand, changes: Partial<Offer> = {}): Promise<Offer> {
    return {
      provider: provider.owner.address,
      nonce: 0n,
      salt: keccak256(stringToHex(`salt ${provider.id}`)),
      program: keccak256(stringToHex('a program')),
      kind: Kind.Repeatable,
      unit: stringToHex('Mfuel', { size: 32 }),
      price: 700n,
      rateCap: 1_000_000,
      minBudget: 1n,
      maxBudget: 10n ** 12n,
      total: 10n ** 13n,
      buyer: zeroAddress,
      openingFee: 0n,
      maxDuration: 60 * 86_400,
      expiry: 2 ** 32 - 1,
      mode: Mode.Calldata,
      maxStreams: 62,
      minExposure: 0,
      arbiter: zeroAddress,
      panel: false,
      ...changes,
    }
  }

  const signOffer = async (offer: Offer, signer: Actor): Promise<Hex> =>
    await privateKeyToAccount(signer.key).sign({ hash: offerHash(offer, domain) })

  /** Takes an offer; `deal` and `mined` tell what came of it. */
  async function open(
    provider: ProviderHand,
    buyer: Actor,
    changes: { offer?: Partial<Offer>; terms?: Partial<DealTerms> } = {},
  ): Promise<{ deal: DealHand; mined: Mined }> {
    const offer = await offerOf(provider, changes.offer)
    const orderKey = actorOf(`${buyer.name} orders`)
    const ackKey = actorOf(`${buyer.name} acknowledges`)
    const terms: DealTerms = {
      budget: 1_000_000_000n,
      exposure: 10n ** 9n,
      duration: 30 * 86_400,
      streams: 2,
      orderKey: orderKey.address,
      ackKey: ackKey.address,
      taskRoot: zeroHash,
      ...changes.terms,
    }
    const signature = await signOffer(offer, provider.owner)
    const view = { ...terms, exposure: Number(terms.exposure) }
    const args = [offer, signature, view] as const
    const mined = await act(buyer, encodeFunctionData({ abi: settlementAbi, functionName: 'openDeal', args }))
    const [opened] = parseEventLogs({ abi: settlementAbi, logs: mined.logs, eventName: 'DealOpened' })
    const id = opened?.args.id ?? 0
    const buyerNonce = openings.get(buyer.address) ?? 0n
    openings.set(buyer.address, buyerNonce + 1n)
    const key = dealKey(offerHash(offer, domain), buyer.address, buyerNonce)
    const streams = Array.from({ length: terms.streams }, () => ({ count: 0, units: 0n }))
    return { deal: { id, key, offer, terms, buyer, buyerNonce, provider, orderKey, ackKey, streams }, mined }
  }
  const openings = new Map<Address, bigint>()

  /** Settles attested segments. */
  const settle = async (segments: readonly Segment[]): Promise<Mined> =>
    await act(relay, settleData(Lane.Attested, segments, attest(segments)))

  /** Settles acknowledged segments; signs the acknowledgements too. */
  const settleAcknowledged = async (segments: readonly Segment[]): Promise<Mined> =>
    await act(
      relay,
      settleData(
        Lane.Acknowledged,
        segments.map((one) => acknowledged(one)),
        '0x',
      ),
    )

  /** Forces segments in as `sender`; as anybody but the provider with `signer`'s permission. */
  async function force(segments: readonly Segment[], sender: Actor, signer?: Actor): Promise<Mined> {
    const digest = forceDigest({ root: rootOf(segments), sender: sender.address }, domain)
    const authority = signer === undefined ? '0x' : signCompact(digest, signer.key)
    return await act(sender, settleData(Lane.Forced, segments, authority))
  }

  /** Signs an acknowledgement of everything a stream has so far and brings it on chain. */
  async function acknowledge(deal: DealHand, stream: number, units: bigint): Promise<Mined> {
    const message = { dealKey: deal.key, stream, count: deal.streams[stream]?.count ?? 0, units, segment: zeroHash }
    const signature = signCompact(acknowledgementDigest(message, domain), deal.ackKey.key)
    const args = [deal.id, stream, message.count, Number(units), zeroHash, signature] as const
    return await act(relay, encodeFunctionData({ abi: settlementAbi, functionName: 'acknowledge', args }))
  }

  async function setParameters(changes: Partial<Parameters>): Promise<Mined> {
    Object.assign(parameters, changes)
    const args = [parameters] as const
    return await act(deployer, encodeFunctionData({ abi: settlementAbi, functionName: 'setParameters', args }))
  }

  return {
    rpc,
    client,
    chainId,
    domain,
    deployment,
    deployer,
    relay,
    members,
    threshold,
    parameters,
    submit,
    send,
    create,
    act,
    tick,
    elapse,
    pass: async (seconds: number) => await pass(rpc, seconds),
    join,
    mint,
    donate,
    inOneBlock,
    deposit,
    offerOf,
    signOffer,
    open,
    ...signing,
    settle,
    settleAcknowledged,
    force,
    acknowledge,
    setParameters,
  }
}

/** Hands for a deployment. */
export type Scenario = Awaited<ReturnType<typeof createScenario>>
