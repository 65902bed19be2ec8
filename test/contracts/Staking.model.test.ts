/**
 * Random calls on the registry, held to a small model of what stake is: after each call everything that anybody has, and
 * what the registry holds for it, must be what the model says.
 *
 * @module
 */
import type { HardhatEthersSigner } from '@nomicfoundation/hardhat-ethers/types'
import { expect } from 'chai'
import { network } from 'hardhat'

import {
  freeOf,
  grow,
  moveLien,
  newPool,
  newSide,
  type OwnSide,
  type PoolSide,
  regrow,
  regrowPool,
  reserve,
  sharesDown,
  slashableOf,
  slashOwn,
  slashPool,
  thaw,
  tokensDown,
  withdraw,
} from '#auditor/stake-model.ts'

import { createRandom, type Random, runOf } from '../fuzz/support/random.ts'
import { deploy } from '../support/deployment.ts'
import { joinProvider, NO_PERMIT, STAKE } from '../support/market.ts'
import { advance } from '../support/protocol-clock.ts'
import { asSettlement, type Case, chargeOf, lastCase } from '../support/slashing.ts'

const { ethers, networkHelpers } = await network.create()

const CALLS = { normal: 300, deep: 5000 }
const WEEK = 7 * 86_400
const CAP = 5000n
const UNIT = 2n ** 48n

/** What one delegator has: shares of a generation, some of them thawing. */
type Part = { generation: bigint; shares: bigint; thawing: bigint }

async function world() {
  const deployment = await deploy(ethers)
  const { registry, stake, owner, rival, stranger, relayer } = deployment
  const { id } = await joinProvider(deployment, owner, { stake: 100n * STAKE })
  await registry.connect(owner).openPool(id, 1000)
  const people = [owner, rival, stranger, relayer]
  for (const who of people) {
    await stake.mint(who, 10n ** 9n * STAKE)
    await stake.connect(who).approve(registry, ethers.MaxUint256)
  }
  return { ...deployment, id, people, asCourt: await asSettlement(networkHelpers, deployment) }
}
type World = Awaited<ReturnType<typeof world>>

/** The model, and the calls that change it and the chain alike. */
function createBook(here: World) {
  const { registry, governor, owner, id, asCourt } = here
  const side: OwnSide = newSide()
  const pool: PoolSide = newPool()
  grow(side, 100n * STAKE)
  const parts = new Map<string, Part>()
  const liens: bigint[] = []
  const disputes: { handle: bigint; own: bigint; pooled: bigint; generation: bigint; poolGeneration: bigint }[] = []
  const cases: Case[] = []
  /** What waits in the vault, in the reserve of rewards, and what was delegated or staked and left. */
  const held = { vault: 0n, reserve: 0n }
  let slashes = 0

  function partOf(who: HardhatEthersSigner): Part {
    const known = parts.get(who.address)
    if (known?.generation === pool.generation) return known
    const fresh = { generation: pool.generation, shares: 0n, thawing: 0n }
    parts.set(who.address, fresh)
    return fresh
  }

  async function slash(asked: bigint): Promise<void> {
    slashes += 1
    await asCourt.slash(id, chargeOf(`slash ${slashes}`, asked), 0, await here.tally.clock())
    const own = slashOwn(side, asked)
    const before = pool.tokens
    const delegated = slashPool(pool, asked - own, CAP)
    held.reserve += before - delegated - pool.tokens
    held.vault += own + delegated
    const facts = await lastCase({ registry })
    expect([facts.own, facts.delegated], 'taken').to.deep.equal([own, delegated])
    cases.push(facts)
  }

  async function giveBack(facts: Case): Promise<void> {
    await registry.connect(governor).returnCase(facts)
    cases.splice(cases.indexOf(facts), 1)
    held.vault -= facts.own + facts.delegated
    if (facts.own !== 0n) regrow(side, facts.own)
    const before = pool.tokens
    if (facts.delegated !== 0n) regrowPool(pool, facts.delegated)
    held.reserve += before + facts.delegated - pool.tokens
  }

  async function dispute(amount: bigint): Promise<void> {
    const handle = await asCourt.lien.staticCall(id, amount)
    const tx = await asCourt.lien(id, amount)
    const [log] = await registry.queryFilter(registry.filters.Liened, tx.blockNumber ?? 0)
    const { own, pooled } = log?.args ?? expect.fail('no lien')
    const mostOwn = side.shares - (side.blocked - side.thawing)
    expect(own <= mostOwn && pooled <= pool.shares - pool.disputed, 'liens on what no lien is on').to.equal(true)
    if (mostOwn >= amount + UNIT && side.tokens === side.shares) {
      expect([(own - amount) / UNIT, pooled], 'a lien on own stake').to.deep.equal([0n, 0n])
    }
    side.blocked += own
    side.disputed += own
    pool.disputed += pooled
    disputes.push({ handle, own, pooled, generation: side.generation, poolGeneration: pool.generation })
  }

  async function settle(index: number): Promise<void> {
    const [ended] = disputes.splice(index, 1)
    if (ended === undefined) return
    await asCourt.unlien(id, ended.handle)
    if (ended.generation === side.generation) {
      side.blocked -= ended.own
      side.disputed -= ended.own
    }
    if (ended.poolGeneration === pool.generation) pool.disputed -= ended.pooled
  }

  async function delegate(who: HardhatEthersSigner, amount: bigint): Promise<void> {
    await registry.connect(who).delegate(id, amount, 0, NO_PERMIT)
    const shares = sharesDown(pool, amount)
    pool.tokens += amount
    pool.shares += shares
    partOf(who).shares += shares
  }

  async function undelegate(who: HardhatEthersSigner, shares: bigint): Promise<void> {
    await registry.connect(who).undelegate(id, shares)
    const part = partOf(who)
    part.shares -= shares
    part.thawing += shares
    pool.thawing += shares
  }

  /** Takes everything out, what did not thaw yet with the rest. */
  async function leave(who: HardhatEthersSigner, shares: bigint): Promise<void> {
    if (shares !== 0n) await undelegate(who, shares)
    await advance(networkHelpers, here, WEEK)
    const part = partOf(who)
    await registry.connect(who).withdrawDelegation(id, who)
    pool.tokens -= tokensDown(pool, part.thawing)
    pool.shares -= part.thawing
    pool.thawing -= part.thawing
    part.thawing = 0n
  }

  async function take(amount: bigint): Promise<void> {
    const lien = await asCourt.reserve.staticCall(id, amount)
    await asCourt.reserve(id, amount)
    expect(reserve(side, amount), 'lien').to.equal(lien)
    liens.push(lien)
  }

  async function free(index: number): Promise<void> {
    const [lien] = liens.splice(index, 1)
    if (lien === undefined) return
    await asCourt.release(id, lien)
    moveLien(side, lien, -1n)
  }

  async function startThaw(amount: bigint): Promise<void> {
    await registry.connect(owner).thaw(id, amount)
    thaw(side, amount)
  }

  /** Takes out what thaws, and this much more. */
  async function takeOut(more: bigint): Promise<bigint> {
    if (more !== 0n) await startThaw(more)
    await advance(networkHelpers, here, WEEK)
    await registry.connect(owner).withdrawStake(id, owner)
    return withdraw(side)
  }

  async function add(amount: bigint): Promise<void> {
    await registry.connect(owner).stake(id, amount)
    grow(side, amount)
  }

  return {
    ...{ side, pool, parts, liens, disputes, cases, held, partOf },
    ...{ slash, giveBack, dispute, settle, delegate, undelegate, leave, take, free, startThaw, takeOut, add },
  }
}
type Book = ReturnType<typeof createBook>

/** Everything that the chain says must be what the model says. */
async function compare({ registry, stake, id, people }: World, book: Book, what: string): Promise<void> {
  const { side, pool, held } = book
  const own = await registry.sideOf(id)
  const { tokens, shares, blocked, thawing, disputed, generation } = side
  expect([...own], `own stake after ${what}`).to.deep.equal([tokens, shares, blocked, thawing, disputed, generation])
  const view = await registry.poolOf(id)
  expect([view.tokens, view.shares, view.thawing, view.disputed, view.generation], `pool after ${what}`).to.deep.equal([
    ...[pool.tokens, pool.shares, pool.thawing, pool.disputed, pool.generation],
  ])
  expect(await registry.slashable(id), `cover after ${what}`).to.equal(slashableOf(side, pool, CAP))
  for (const who of people) {
    const { shares: active, thawing: out, value } = await registry.positionOf(id, who)
    const part = book.partOf(who)
    const worth = tokensDown(pool, part.shares + part.thawing)
    expect([active, out, value], `a delegation after ${what}`).to.deep.equal([part.shares, part.thawing, worth])
  }
  expect(side.blocked - side.thawing <= side.shares, `liens within the stake after ${what}`).to.equal(true)
  expect(await stake.balanceOf(registry), `tokens after ${what}`).to.equal(
    side.tokens + pool.tokens + held.vault + held.reserve,
  )
}

type Call = () => Promise<unknown> | null

/** Calls that may be made now; null instead of one that there is nothing for. */
function callsOf(here: World, book: Book, random: Random): Record<string, Call> {
  const { side, pool } = book
  const upTo = (most: bigint): bigint => 1n + (BigInt(random.below(2 ** 48)) * most) / 2n ** 48n
  const some = (): bigint => upTo(random.pick([1n, 7n, 1000n, STAKE, 200n * STAKE]))
  const one = <T>(list: readonly T[]): T | undefined => list[random.below(list.length)]
  const someone = () => one(here.people) ?? here.owner
  const canDelegate = () => side.disputed + pool.disputed === 0n && pool.tokens << 16n >= pool.shares
  return {
    add: () => book.add(some()),
    thaw: () => (freeOf(side) < 2n ? null : book.startThaw(upTo(freeOf(side) - 1n))),
    withdraw: () => {
      const canThaw = freeOf(side) >= 2n
      const isHeld = side.blocked - side.thawing >= side.shares
      if (side.thawing === 0n ? !canThaw : isHeld) return null
      return book.takeOut(canThaw ? upTo(freeOf(side) - 1n) : 0n)
    },
    delegate: () => (canDelegate() ? book.delegate(someone(), some() * 1000n) : null),
    undelegate: () => {
      const who = someone()
      const { shares } = book.partOf(who)
      return shares === 0n ? null : book.undelegate(who, 1n + (shares - 1n) / BigInt(1 + random.below(3)))
    },
    leave: () => {
      const who = someone()
      const { shares, thawing } = book.partOf(who)
      const out = shares + thawing
      return out === 0n || out > pool.shares - pool.disputed ? null : book.leave(who, shares)
    },
    reserve: () => (freeOf(side) < 2n ? null : book.take(upTo(freeOf(side) - 1n))),
    release: () => (book.liens.length === 0 ? null : book.free(random.below(book.liens.length))),
    dispute: () => book.dispute(upTo(side.tokens + pool.tokens + 1n)),
    settle: () => (book.disputes.length === 0 ? null : book.settle(random.below(book.disputes.length))),
    slash: () => book.slash(upTo(side.tokens / 3n + 1n)),
    slashMuch: () => book.slash(upTo(2n * (side.tokens + pool.tokens) + 1n)),
    slashAlmostAll: () => book.slash(side.tokens > 10n ? side.tokens - upTo(9n) : 1n),
    giveBack: () => {
      const facts = one(book.cases)
      return facts === undefined ? null : book.giveBack(facts)
    },
  }
}

/** Makes random calls, and compares after each; returns how often each was made. */
async function play(here: World, random: Random, times: number): Promise<Map<string, number>> {
  const book = createBook(here)
  const calls = callsOf(here, book, random)
  const names = [...Object.keys(calls), 'add', 'add', 'delegate', 'delegate', 'settle', 'settle']
  const done = new Map(Object.keys(calls).map((name) => [name, 0]))
  for (let i = 0; i < times; i += 1) {
    const name = names[random.below(names.length)] ?? ''
    const call = calls[name]?.() ?? null
    if (call === null) continue
    await call
    done.set(name, (done.get(name) ?? 0) + 1)
    await compare(here, book, `${name} (call ${i})`)
  }
  return done
}

describe('stake under random calls', () => {
  const { seed, cases } = runOf(CALLS)

  it(`is what a model says, call by call (seed ${seed})`, async function () {
    this.timeout(60_000 + cases * 1000)
    const done = await play(await world(), createRandom(seed, 0), cases)
    for (const [name, times] of done) expect(times, `calls of ${name}`).to.be.greaterThan(0)
  })
})
