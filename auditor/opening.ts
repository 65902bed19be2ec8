/**
 * Opening a deal: the offer's signature, every limit it sets, the deal key, the budget and the bond.
 *
 * @module
 */
import { type Address, decodeFunctionData, encodeFunctionData, type Hex, parseAbi, size, zeroAddress } from 'viem'
import { settlementAbi } from '#protocol/abi.generated.ts'
import { dealKey, offerHash } from '#protocol/eip712.ts'
import { compact, recoverCompact } from '#protocol/signature.ts'
import { Kind, Mode } from '#protocol/types.ts'
import { type EventArgs, expectSame, oweBond, type Replay, report, thing, touch } from './replay.ts'
import { lienFor } from './stake-events.ts'
import { accountOf, addressKey, type Deal, dealStateAt, isNetted } from './state.ts'

/** Arguments of `DealOpened`. */
export type Opened = EventArgs<'DealOpened'>

const MAX_STREAMS = 62
const KINDS: ReadonlySet<number> = new Set(Object.values(Kind))
const LONG_SIGNATURE = 65
const MAGIC = '0x1626ba7e'
const walletAbi = parseAbi(['function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)'])

/** An account key as the chain stores it: zero means the buyer. */
export function keyOr(key: Address, buyer: Address): Address {
  return addressKey(key === zeroAddress ? buyer : key)
}

/** Signatures of this offer among the transaction's calls; null where the calls cannot be told. */
function signaturesOf(replay: Replay, hash: Hex): readonly Hex[] | null {
  if (replay.calls === null) return null
  const found: Hex[] = []
  for (const call of replay.calls) {
    const { functionName, args } = decodeFunctionData({ abi: settlementAbi, data: call.input })
    if (functionName !== 'openDeal' && functionName !== 'openDealWithPermit') continue
    if (offerHash(args[0], replay.state.domain) === hash) found.push(args[1])
  }
  return found
}

function isKeySignature(provider: Address, hash: Hex, signature: Hex): boolean {
  if (size(signature) !== LONG_SIGNATURE) return false
  try {
    const signer = recoverCompact(hash, compact(signature))
    return signer !== null && addressKey(signer) === addressKey(provider)
  } catch {
    // no signature at all: the caller reports it as not the provider's
    return false
  }
}

async function isSigned(replay: Replay, provider: Address, hash: Hex, signature: Hex): Promise<boolean> {
  if (isKeySignature(provider, hash, signature)) return true
  if ((await replay.source.code(provider, replay.block.number)) === '0x') return false
  const data = encodeFunctionData({ abi: walletAbi, args: [hash, signature] })
  const answer = await replay.source.call(provider, data, replay.block.number)
  return answer?.startsWith(MAGIC) ?? false
}

async function checkSignature(replay: Replay, { offer, id }: Opened, hash: Hex): Promise<void> {
  const signatures = signaturesOf(replay, hash)
  const [signature] = signatures ?? []
  replay.findings.totals.signatures++
  if (signature === undefined) {
    report(replay, 'unreadable', `the offer’s signature of deal ${id} cannot be read from the transaction`)
  } else if (!(await isSigned(replay, offer.provider, hash, signature))) {
    report(replay, 'signature', `the offer of deal ${id} is not signed by ${offer.provider}`)
  }
}

/** Limits that offer and terms set each other, by what they are called; the false ones are broken. */
function limitsOf(replay: Replay, { offer, terms, buyer }: Opened, hash: Hex): Record<string, boolean> {
  const { state } = replay
  const clock = state.clock.value
  const taken = state.offerTaken.get(hash) ?? 0n
  return {
    pause: clock >= state.pausedUntil,
    kind: KINDS.has(offer.kind),
    mode: offer.mode === Mode.Calldata || offer.mode === Mode.Net,
    buyer: offer.buyer === zeroAddress || addressKey(offer.buyer) === addressKey(buyer),
    expiry: clock <= offer.expiry && replay.block.timestamp <= offer.expiry,
    nonce: offer.nonce >= (state.offerNonce.get(addressKey(offer.provider)) ?? 0n),
    price: offer.price > 0n,
    'rate cap': offer.rateCap > 0,
    'minimum budget': terms.budget > 0n && terms.budget >= offer.minBudget,
    'maximum budget': terms.budget <= offer.maxBudget,
    total: taken + terms.budget <= offer.total,
    'opening fee': offer.openingFee <= (terms.budget * BigInt(state.parameters.bondBps)) / 10_000n,
    duration: terms.duration > 0 && terms.duration <= offer.maxDuration,
    streams: terms.streams > 0 && terms.streams <= Math.min(MAX_STREAMS, offer.maxStreams),
    exposure: terms.exposure >= offer.minExposure,
    'free balance': terms.budget <= accountOf(state, buyer).free,
    'offer’s provider': state.providers.get(replay.state.ids.get(addressKey(offer.provider)) ?? 0) !== undefined,
  }
}

function checkTerms(replay: Replay, opened: Opened, hash: Hex): bigint {
  const { state } = replay
  const { id, offer, terms, buyer } = opened
  for (const [limit, holds] of Object.entries(limitsOf(replay, opened, hash))) {
    if (!holds) report(replay, 'deal-opening', `deal ${id} was opened against its offer’s or terms’ ${limit}`)
  }
  const same = (what: string, ours: bigint | number | string, theirs: bigint | number | string): boolean =>
    expectSame(replay, 'deal-opening', `${what} of deal ${id}`, ours, theirs)
  same('the key', dealKey(hash, buyer, accountOf(state, buyer).nonce), opened.key)
  same('the opening time', state.clock.value, opened.openedAt)
  same('the provider', state.ids.get(addressKey(offer.provider)) ?? 0, opened.provider)
  if (dealStateAt(state.deals.get(id), state.clock.value) !== 0) {
    report(replay, 'deal-opening', `deal id ${id} was given away while another deal has it`)
  }
  const bond = lienFor(state, opened.provider, terms.budget)
  expectSame(replay, 'bond', `the bond of deal ${id}`, bond, opened.bond)
  return opened.bond
}

function createDeal(opened: Opened, hash: Hex): Deal {
  const { buyer, offer, terms } = opened
  const orderKey = keyOr(terms.orderKey, buyer)
  return {
    id: opened.id,
    key: opened.key,
    buyer: addressKey(buyer),
    provider: opened.provider,
    offerHash: hash,
    program: offer.program,
    price: offer.price,
    rateCap: offer.rateCap,
    maxBudget: offer.maxBudget,
    offerTotal: offer.total,
    kind: offer.kind,
    mode: offer.mode,
    openingFee: offer.openingFee,
    budget: terms.budget,
    allowance: BigInt(terms.exposure),
    place: 0,
    bond: opened.bond,
    openedAt: opened.openedAt,
    end: opened.openedAt + terms.duration,
    streams: Array.from({ length: terms.streams }, () => ({ count: 0, units: 0n, acknowledged: 0n })),
    orderKey,
    ackKey: keyOr(terms.ackKey, buyer),
    taskRoot: terms.taskRoot,
    closedAt: null,
    orderKeys: [orderKey],
  }
}

/** A buyer gets its index with its first netted deal. */
export function replayNumbering(replay: Replay, { index, buyer }: EventArgs<'BuyerNumbered'>): void {
  const { nets } = replay.state
  const key = addressKey(buyer)
  expectSame(replay, 'net-deal', `the index of ${buyer}`, nets.numbered.length, index)
  if (nets.buyers.has(key)) report(replay, 'net-deal', `${buyer} got an index twice`)
  nets.buyers.set(key, { index, deals: 0, budgets: 0n, netted: 0n })
  nets.numbered[index] = key
  touch(replay, thing.nets(), 'net-deal')
}

/** Puts the budget to what batches may take from the buyer. */
function addNetted(replay: Replay, { buyer, id, budget }: Deal): void {
  const known = replay.state.nets.buyers.get(buyer)
  if (known === undefined) {
    report(replay, 'net-deal', `netted deal ${id} was opened by ${buyer}, who has no index`)
    return
  }
  known.deals += 1
  known.budgets += budget
  known.netted += budget
  touch(replay, thing.netBuyer(buyer), 'deal-opening')
}

/** Locks the budget, reserves the bond and writes the deal down, after checking that it could be opened so. */
export async function replayOpening(replay: Replay, opened: Opened): Promise<void> {
  const { state } = replay
  const { id, buyer, offer, terms } = opened
  const hash = offerHash(offer, state.domain)
  await checkSignature(replay, opened, hash)
  const bond = checkTerms(replay, opened, hash)

  const account = accountOf(state, buyer)
  account.free -= terms.budget
  account.locked += terms.budget
  account.nonce += 1n
  state.offerTaken.set(hash, (state.offerTaken.get(hash) ?? 0n) + terms.budget)
  const deal = createDeal(opened, hash)
  state.deals.set(id, deal)
  state.dealsByKey.set(deal.key, deal)
  state.keys.set(id, opened.key)
  if (isNetted(deal)) addNetted(replay, deal)
  oweBond(replay, opened.provider, bond)
  touch(replay, thing.deal(id), 'deal-opening')
  touch(replay, thing.account(buyer), 'deal-opening')
  touch(replay, thing.offer(hash), 'deal-opening')
  for (let i = 0; i < terms.streams; i++) touch(replay, thing.stream(id, i), 'deal-opening')
}
