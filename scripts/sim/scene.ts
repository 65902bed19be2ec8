/**
 * A market that adversaries act in: the deployed contracts on a chain of their own, providers, buyers, deals, batches and
 * time. Every act is a transaction of its actor.
 *
 * @module
 */
import {
  type Address,
  concat,
  encodeFunctionData,
  type Hex,
  keccak256,
  numberToHex,
  type PrivateKeyAccount,
  parseEventLogs,
  zeroAddress,
  zeroHash,
} from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { encodeBatch, type Group, sortGroups } from '#protocol/batch.ts'
import { batchRoot, groupHash, type RootedBatch, tallyOfGroup } from '#protocol/batch-root.ts'
import { INTERVAL_SECONDS } from '#protocol/chains.ts'
import { dealKey, forceDigest, offerHash, tallyDigest } from '#protocol/eip712.ts'
import { decodeFacts, encodeFacts, factsRoot } from '#protocol/facts.ts'
import { placeInBatch, placeInStream } from '#protocol/openings.ts'
import { addressOf, expand, signCompact } from '#protocol/signature.ts'
import { Kind, Lane, Mode, type Offer, Outcome, type Receipt, type Tally } from '#protocol/types.ts'

import { depositWithPermit, join, mintDollars, settlementDomain } from '../bench/actors.ts'
import { attestationOf } from '../bench/attestations.ts'
import { type Chain, COMMITTEE, type Mined } from '../bench/chain.ts'
import { keyOf } from '../bench/random.ts'

/** Somebody with a key. */
export type Party = { readonly name: string; readonly key: Hex; readonly account: PrivateKeyAccount }

/** A provider with one worker. */
export type Provider = Party & { readonly id: number; readonly worker: Hex; readonly workerIndex: number }

/** An open deal. */
export type SimDeal = {
  readonly id: number
  readonly key: Hex
  readonly offer: Offer
  readonly nonce: bigint
  readonly buyer: Party
  readonly provider: Provider
}

/** What differs from the usual offer and terms. */
export type DealChoice = {
  readonly budget: bigint
  readonly kind?: Kind
  readonly program?: Hex
  readonly price?: bigint
  readonly rateCap?: number
  readonly minBudget?: bigint
  readonly exposure?: bigint
  readonly streams?: number
  readonly mode?: Mode
  readonly arbiter?: Address
  readonly panel?: boolean
  readonly taskRoot?: Hex
  readonly openingFee?: bigint
}

/** A group as its worker signed it. */
export type Signed = { readonly tally: Tally; readonly group: Group }

/** A batch that was settled. */
export type SettledBatch = {
  readonly mined: Mined
  readonly rooted: RootedBatch
  /** What let it settle: an attestation, or the worker's signature. */
  readonly authority: Hex
  readonly lane: Lane
  /** Place of one of its groups, for openings: in its batch, or in its stream's record where it was forced. */
  placeOf(signed: Signed): Hex
}

/** The market. */
export type Scene = {
  readonly chain: Chain
  readonly seed: number
  /** Hours from settling in the attested lane until all of it can be claimed. */
  readonly hoursToMature: number
  /** Hours from the end of a deal of {@link DEAL_HOURS} until it can be closed. */
  readonly hoursToClose: number
  /** Hours that pass before an honest watcher does anything about what it sees. */
  readonly hoursUnseen: number
  /** Stake that a deal with this budget reserves, and what that is worth as governance has it. */
  bondFor(budget: bigint): bigint
  bondValueFor(budget: bigint): bigint
  /** Somebody without a role: whatever it does, anyone can. */
  readonly anyone: Party
  party(name: string): Promise<Party>
  provider(name: string, stake: bigint): Promise<Provider>
  /** A buyer with `dollars` deposited. */
  buyer(name: string, dollars: bigint): Promise<Party>
  open(buyer: Party, provider: Provider, choice: DealChoice): Promise<SimDeal>
  /** Signs receipts of a stream from its receipt `first` on, `before` units having been signed. */
  sign(deal: SimDeal, stream: number, first: number, before: bigint, receipts: readonly Receipt[]): Signed
  /** Settles groups that the committee attests. */
  settle(...signed: readonly Signed[]): Promise<SettledBatch>
  /** Lets the provider force groups. */
  force(provider: Provider, ...signed: readonly Signed[]): Promise<SettledBatch>
  /** Gas that somebody's transactions used so far. */
  spentBy(party: Party): bigint
  call(from: Party, functionName: string, args: readonly unknown[]): Promise<Mined>
  callRegistry(from: Party, functionName: string, args: readonly unknown[]): Promise<Mined>
  /** Sends a call to one of the contracts. */
  send(from: Party, to: Address, data: Hex): Promise<Mined>
  /** Whether the chain would do it now. */
  wouldDo(from: Party, to: Address, data: Hex): Promise<boolean>
  /** Lets time pass on the protocol clock, which moves an hour at most with each touch. */
  passHours(hours: number): Promise<void>
}

const EXPIRY = 4_000_000_000
const STAKE_UNIT = 10n ** 18n
/** How long deals run. */
export const DEAL_HOURS = 7 * 24
const DAY_HOURS = 24
const BPS = 10_000n
const DAY_SECONDS = 86_400
const HOUR_SECONDS = 3_600
const UNIT: Hex = '0x4d6675656c000000000000000000000000000000000000000000000000000000' // Mfuel

/** Opens a market on a fresh chain with the settlement layer on it. */
export async function createScene(chain: Chain, seed: number, hoursUnseen = 0): Promise<Scene> {
  const { settlement, registry } = chain.deployment
  const rules = await chain.reader.readContract({
    ...{ address: settlement, abi: settlementAbi, functionName: 'parameters' },
  })
  const party = async (name: string): Promise<Party> => ({
    name,
    key: keyOf(seed, name, 0),
    account: await chain.actor(name, 0),
  })
  const anyone = await party('anyone')
  const spent = new Map<Address, bigint>()
  const send = async ({ account }: Party, to: Address, data: Hex): Promise<Mined> => {
    const mined = await chain.send(account, to, data)
    spent.set(account.address, (spent.get(account.address) ?? 0n) + mined.gas)
    return mined
  }
  const call: Scene['call'] = (from, functionName, args) =>
    send(from, settlement, encodeFunctionData({ abi: settlementAbi, functionName, args } as never))
  const callRegistry: Scene['callRegistry'] = (from, functionName, args) =>
    send(from, registry, encodeFunctionData({ abi: registryAbi, functionName, args } as never))

  const settleIn = async (
    from: Party,
    lane: Lane,
    signed: readonly Signed[],
    signer: Hex | null,
  ): Promise<SettledBatch> => {
    const groups = sortGroups(signed.map(({ group }) => group))
    const byGroup = new Map(signed.map((one) => [one.group, one.tally]))
    const groupHashes = groups.flatMap((group) => {
      const tally = byGroup.get(group)
      return tally === undefined ? [] : [groupHash(tally)]
    })
    const root = batchRoot({ mode: Mode.Calldata, groupHashes })
    const authority =
      signer === null
        ? attestationOf({ chain, seed }, root, COMMITTEE.threshold)
        : signCompact(forceDigest({ root, sender: from.account.address }, settlementDomain(chain)), signer)
    const args = [encodeBatch({ mode: Mode.Calldata, lane, groups }), authority] as const
    // alone in its interval, so that its place needs no other batch
    chain.pass(INTERVAL_SECONDS)
    await call(anyone, 'tick', [])
    const answer = { address: settlement, abi: settlementAbi, functionName: 'settle', args } as const
    const { result: facts } = await chain.reader.simulateContract({ ...answer, account: from.account })
    const mined = await call(from, 'settle', args)
    const [settled] = parseEventLogs({ abi: settlementAbi, eventName: 'Settled', logs: mined.receipt.logs })
    if (settled === undefined || decodeFacts(facts).some(({ outcome }) => outcome !== Outcome.Applied))
      throw new Error('a group was not applied')
    const { clock } = settled.args
    const rooted: RootedBatch = { mode: Mode.Calldata, groupHashes }
    return {
      ...{ mined, rooted, authority, lane },
      placeOf: ({ tally, group }) => {
        const index = groupHashes.indexOf(groupHash(tally))
        if (lane === Lane.Attested) {
          const links = [{ root, factsRoot: factsRoot(facts), time: clock }]
          return placeInBatch({ ...rooted, facts }, tally, index, { links, position: 0 })
        }
        const record = encodeFacts(decodeFacts(facts).slice(index, index + 1))
        const links = [{ groupHash: groupHash(tally), record, time: clock }]
        return placeInStream(group.dealId, tally, { links, position: 0 })
      },
    }
  }

  return {
    ...{ chain, seed, hoursUnseen, anyone, party, call, callRegistry, send },
    hoursToMature: Math.ceil(rules.attestedWindow / HOUR_SECONDS) + 2 * DAY_HOURS,
    hoursToClose: Math.ceil(rules.closingPeriod / HOUR_SECONDS) + 1,
    bondFor: (budget) => (budget * BigInt(rules.bondBps) * STAKE_UNIT) / (BPS * BigInt(rules.stakeValue)),
    bondValueFor: (budget) => (budget * BigInt(rules.bondBps)) / BPS,
    wouldDo: async ({ account }, to, data) =>
      await chain.reader.call({ account: account.address, to, data }).then(
        () => true,
        () => false,
      ),
    spentBy: ({ account }) => spent.get(account.address) ?? 0n,
    provider: async (name, stake) => {
      const self = await party(name)
      const worker = keyOf(seed, `${name}/worker`, 0)
      const { receipt } = await join(chain, { owner: self.account, stake, keys: [addressOf(worker)] })
      const [joined] = parseEventLogs({ abi: registryAbi, eventName: 'WorkersRegistered', logs: receipt.logs })
      if (joined === undefined) throw new Error(`${name} did not join`)
      return { ...self, id: joined.args.provider, worker, workerIndex: Number(joined.args.firstIndex) }
    },
    buyer: async (name, dollars) => {
      const self = await party(name)
      await mintDollars(chain, self.account, dollars)
      await depositWithPermit(chain, self.account, dollars)
      return self
    },
    open: async (buyer, provider, choice) => {
      const nonce = await nonceOf(chain, buyer)
      const offer = offerOf(
        provider,
        choice,
        keccak256(concat([buyer.account.address, numberToHex(nonce, { size: 8 })])),
      )
      const hash = offerHash(offer, settlementDomain(chain))
      const terms = {
        budget: choice.budget,
        exposure: Number(choice.exposure ?? 2n ** 40n),
        duration: DEAL_HOURS * HOUR_SECONDS,
        streams: choice.streams ?? 1,
        orderKey: zeroAddress,
        ackKey: zeroAddress,
        taskRoot: choice.taskRoot ?? zeroHash,
      }
      const { receipt } = await call(buyer, 'openDeal', [offer, expand(signCompact(hash, provider.key)), terms])
      const [opened] = parseEventLogs({ abi: settlementAbi, eventName: 'DealOpened', logs: receipt.logs })
      if (opened === undefined) throw new Error('no deal was opened')
      const key = dealKey(hash, buyer.account.address, nonce)
      return { id: opened.args.id, key, offer, nonce, buyer, provider }
    },
    sign: (deal, stream, first, before, receipts) => {
      const units = receipts.reduce((sum, receipt) => sum + receipt.units, before)
      const unsigned = { dealId: deal.id, stream, worker: deal.provider.workerIndex, first, units, receipts }
      const tally = tallyOfGroup({ ...unsigned, signature: '0x' }, deal.key)
      const signature = signCompact(tallyDigest(tally, settlementDomain(chain)), deal.provider.worker)
      return { tally, group: { ...unsigned, signature } }
    },
    settle: (...signed) => settleIn(anyone, Lane.Attested, signed, null),
    force: (provider, ...signed) => settleIn(provider, Lane.Forced, signed, provider.worker),
    passHours: (hours) => {
      const data = encodeFunctionData({ abi: settlementAbi, functionName: 'tick' })
      return chain.passCalling({ seconds: HOUR_SECONDS, to: settlement, data }, hours)
    },
  }
}

async function nonceOf({ reader, deployment }: Chain, { account }: Party): Promise<bigint> {
  const [, , nonce] = await reader.readContract({
    ...{ address: deployment.settlement, abi: settlementAbi, functionName: 'account', args: [account.address] },
  })
  return nonce
}

function offerOf(provider: Provider, choice: DealChoice, salt: Hex): Offer {
  return {
    ...{ provider: provider.account.address, nonce: 0n, salt },
    ...{ program: choice.program ?? zeroHash, kind: choice.kind ?? Kind.Repeatable, unit: UNIT },
    ...{ price: choice.price ?? 1_000n, rateCap: choice.rateCap ?? 2 ** 31 },
    ...{ minBudget: choice.minBudget ?? 0n, maxBudget: 2n ** 50n, total: 2n ** 54n, buyer: zeroAddress },
    ...{
      openingFee: choice.openingFee ?? 0n,
      maxDuration: 30 * DAY_SECONDS,
      expiry: EXPIRY,
      mode: choice.mode ?? Mode.Calldata,
    },
    ...{ maxStreams: 62, minExposure: 0, arbiter: choice.arbiter ?? zeroAddress, panel: choice.panel ?? false },
  }
}
