/**
 * Providers and deals of others, so that a batch settles in a ledger that holds many.
 *
 * A small crowd joins and opens deals by transactions. Of a large one the same words are written directly. That is only
 * as good as the words are, so before that two of the crowd do it by transactions: from what the first one left, what the
 * second one leaves is foretold, and every word that its transactions changed must be foretold right.
 *
 * @module
 */
import { type Address, encodeAbiParameters, type Hex, hexToBigInt, keccak256, stringToHex, toHex } from 'viem'

import { dealKey } from '#protocol/eip712.ts'

import { depositWithPermit, join, mintDollars, openDeal, type SignedOffer, signOffer, termsOf } from './actors.ts'
import { must } from './books.ts'
import { type Chain, storageAt, type Written } from './chain.ts'
import { fieldOf, readCounter, skipCounts } from './layout.ts'
import { keyOf } from './random.ts'

const STAKE = 1_000n * 10n ** 18n
const BUDGET = 50_000_000n
const EXPOSURE = 1_000_000n
const STREAMS = 2
const LIMITS = { rateCap: 1_000_000, maxBudget: BUDGET, total: BUDGET }
/** Words written in one go. */
const AT_ONCE = 20_000

const REGISTRY = {
  last: fieldOf('Registry', '_lastProvider'),
  accounts: fieldOf('Registry', '_accounts').slot,
  providers: fieldOf('Registry', '_providers').slot,
} as const
const SETTLEMENT = {
  last: fieldOf('Settlement', '_head', 'lastDeal'),
  accounts: fieldOf('Settlement', '_accounts').slot,
  deals: fieldOf('Settlement', '_deals').slot,
  taken: fieldOf('Settlement', '_taken').slot,
  wheels: fieldOf('Settlement', '_wheels').slot,
  payouts: fieldOf('Settlement', '_payouts').slot,
} as const
/** Words of a deal that are not zero: key, terms, purse, buyer and bond, both keys. */
const DEAL_WORDS = 6n
const PROVIDER_WORDS = 2n
const PROVIDER_SHIFT = 160n
const OPENED_SHIFT = 96n
const END_SHIFT = 64n
const ADDRESS_BITS = 160n
const WORD32 = (1n << 32n) - 1n

/** One provider with one deal. */
type Member = {
  readonly provider: number
  readonly deal: number
  readonly owner: Address
  readonly buyer: Address
  readonly orderKey: Address
  readonly ackKey: Address
  readonly key: Hex
  readonly offer: Hex
  /** Second on the protocol clock. */
  readonly openedAt: number
}
/** Words by contract and slot. */
type Words = Map<string, bigint>
/** Words that all members have alike but for names and ids. */
type Template = {
  readonly member: Member
  readonly words: Words
  readonly at: (member: Member) => readonly [place: string, value: bigint][]
}

/** Adds `count` providers with a deal each, by transactions. */
export async function joinCrowd(chain: Chain, seed: number, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await joinOne(chain, seed, index)
}

/** Adds `count` providers with a deal each, all but two by their words. @throws Error when a word is foretold wrong. */
export async function writeCrowd(chain: Chain, seed: number, count: number): Promise<void> {
  const [first, second] = [await joinOne(chain, seed, 0), await joinOne(chain, seed, 1)]
  const template = await readTemplate(chain, first.member)
  checkForetold(chain, template, second.member, await chain.written(second.hashes))
  const { registry, settlement } = chain.deployment
  for (let from = 2; from < count; from += AT_ONCE) {
    const size = Math.min(AT_ONCE, count - from)
    const members = Array.from({ length: size }, (_, index) => imagined(template.member, from + index))
    await chain.write(members.flatMap(template.at).map(([place, value]) => toWritten(place, value)))
  }
  await skipCounts(chain, registry, REGISTRY.last, count - 2)
  await skipCounts(chain, settlement, SETTLEMENT.last, count - 2)
}

/** A member, and the transactions by which it came. */
type Joined = { readonly member: Member; readonly hashes: readonly Hex[] }

async function joinOne(chain: Chain, seed: number, index: number): Promise<Joined> {
  const { registry, settlement } = chain.deployment
  const [owner, buyer] = [await chain.actor('crowd provider', index), await chain.actor('crowd buyer', index)]
  const joined = await join(chain, { owner, stake: STAKE, keys: [] })
  const offer: SignedOffer = signOffer(chain, owner, keyOf(seed, 'crowd provider', index), LIMITS)
  await mintDollars(chain, buyer, BUDGET * 2n)
  const paid = await depositWithPermit(chain, buyer, BUDGET)
  const terms = termsOf(seed, index + 1_000_000, BUDGET, EXPOSURE, STREAMS)
  const open = await openDeal(chain, buyer, offer, terms)
  const deal = await readCounter(chain, settlement, SETTLEMENT.last)
  const word = await storageAt(chain, settlement, slotOf(deal, SETTLEMENT.deals) + 1n)
  const member: Member = {
    ...{ provider: await readCounter(chain, registry, REGISTRY.last), deal },
    ...{ owner: owner.address, buyer: buyer.address, orderKey: terms.orderKey, ackKey: terms.ackKey },
    ...{ key: dealKey(offer.hash, buyer.address, 0n), offer: offer.hash },
    openedAt: Number((word >> OPENED_SHIFT) & WORD32),
  }
  const hashes = [joined, paid, open].map(({ receipt }) => receipt.transactionHash)
  return { member, hashes }
}

/** A member that is nobody: names from its number, everything else like the first one's. */
function imagined(first: Member, index: number): Member {
  const hash = (what: string): Hex => keccak256(stringToHex(`crowd ${what} ${index}`))
  const address = (what: string): Address => `0x${hash(what).slice(-40)}`
  return {
    ...{ provider: first.provider + index, deal: first.deal + index, openedAt: first.openedAt },
    ...{ owner: address('owner'), buyer: address('buyer'), orderKey: address('orders'), ackKey: address('acks') },
    ...{ key: hash('key'), offer: hash('offer') },
  }
}

async function readTemplate(chain: Chain, member: Member): Promise<Template> {
  const { registry, settlement } = chain.deployment
  const places = placesOf(chain, member)
  const values = await Promise.all(
    places.map((place) => {
      const [contract = '', slot = ''] = place.split(' ')
      return storageAt(chain, contract === registry ? registry : settlement, BigInt(slot))
    }),
  )
  const words = new Map(places.map((place, index) => [place, values[index] ?? 0n]))
  const at = (other: Member): [string, bigint][] =>
    placesOf(chain, other).map((place, index) => [place, renamed(values[index] ?? 0n, member, other)])
  return { member, words, at }
}

/** Every word a member has of its own, always in this order. */
function placesOf({ deployment: { registry, settlement } }: Chain, member: Member): string[] {
  const own = (contract: Address, from: bigint, count: bigint) =>
    Array.from({ length: Number(count) }, (_, index) => `${contract} ${from + BigInt(index)}`)
  return [
    ...own(registry, slotOf(member.owner, REGISTRY.accounts), 1n),
    ...own(registry, slotOf(member.provider, REGISTRY.providers), PROVIDER_WORDS),
    ...own(settlement, slotOf(member.provider, SETTLEMENT.wheels), 1n),
    ...own(settlement, slotOf(member.provider, SETTLEMENT.payouts), 1n),
    ...own(settlement, slotOf(member.buyer, SETTLEMENT.accounts), 1n),
    ...own(settlement, slotOf(member.deal, SETTLEMENT.deals), DEAL_WORDS),
    ...own(settlement, slotOf(member.offer, SETTLEMENT.taken), 1n),
  ]
}

/** A word of one member as another one has it: its names, ids and times in place of the first one's. */
function renamed(value: bigint, from: Member, to: Member): bigint {
  if (value === hexToBigInt(from.key)) return hexToBigInt(to.key)
  const addresses = (['owner', 'buyer', 'orderKey', 'ackKey'] as const).map((name) => [from[name], to[name]] as const)
  const low = value & ((1n << ADDRESS_BITS) - 1n)
  const named = addresses.find(([name]) => hexToBigInt(name) === low)
  if (named !== undefined) return value - low + hexToBigInt(named[1])
  if (value === BigInt(from.provider)) return BigInt(to.provider)
  return isTerms(value, from) ? value + shifted(from, to) : value
}

function isTerms(value: bigint, { provider, deal, openedAt }: Member): boolean {
  const part = (shift: bigint) => (value >> shift) & WORD32
  return (
    part(0n) === BigInt(deal) && part(PROVIDER_SHIFT) === BigInt(provider) && part(OPENED_SHIFT) === BigInt(openedAt)
  )
}

/** What the word of terms differs by. */
function shifted(from: Member, to: Member): bigint {
  const [later, provider] = [BigInt(to.openedAt - from.openedAt), BigInt(to.provider - from.provider)]
  const times = (later << OPENED_SHIFT) + (later << END_SHIFT)
  return (provider << PROVIDER_SHIFT) + times + BigInt(to.deal - from.deal)
}

/** Counters and the clock are everybody's; every other word of the ledger must be foretold. */
function checkForetold({ deployment }: Chain, template: Template, member: Member, written: readonly Written[]): void {
  must(written.length > 0, 'the client does not tell what a transaction wrote')
  const { registry, settlement } = deployment
  const shared = new Set([`${registry} ${REGISTRY.last.slot}`, `${settlement} ${SETTLEMENT.last.slot}`])
  const foretold = new Map(template.at(member).filter(([, value]) => value !== 0n))
  const real = new Map(
    written
      .filter(({ address }) => address === registry || address === settlement)
      .map(({ address, slot, word }): [string, bigint] => [`${address} ${slot}`, hexToBigInt(word)])
      .filter(([place, value]) => !shared.has(place) && value !== 0n),
  )
  for (const [place, value] of real) {
    must(foretold.get(place) === value, `${place} holds ${toHex(value)}, foretold was ${foretold.get(place)}`)
  }
  must(foretold.size === real.size, `${foretold.size} words were foretold, ${real.size} were written`)
}

function toWritten(place: string, value: bigint): Written {
  const [address = '', slot = ''] = place.split(' ')
  return { address: address as Address, slot: BigInt(slot), word: toHex(value, { size: 32 }) }
}

/** Slot of a mapping's entry. */
function slotOf(key: number | Hex, mapping: bigint): bigint {
  const value = typeof key === 'number' ? BigInt(key) : hexToBigInt(key)
  return hexToBigInt(keccak256(encodeAbiParameters([{ type: 'uint256' }, { type: 'uint256' }], [value, mapping])))
}
