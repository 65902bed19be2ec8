/**
 * Stake as the registry keeps it: tokens and shares, so that a slash is one number and shrinks thawing stake, liens and
 * delegations alike. Amounts are base units of the stake token. Mirrors `contracts/base/{Stakes,Pooling}.sol`.
 *
 * @module
 */

/** A provider's own stake; as many shares as tokens until a slash. */
export type OwnSide = {
  tokens: bigint
  shares: bigint
  /** Shares that thaw or are under a lien. */
  blocked: bigint
  thawing: bigint
  disputed: bigint
  generation: bigint
  /** Whether the generation was slashed: until then there are as many shares as tokens, whatever comes back. */
  isSlashed: boolean
}

/** What is delegated to a provider. */
export type PoolSide = { tokens: bigint; shares: bigint; thawing: bigint; disputed: bigint; generation: bigint }

/** A slash that leaves less than a share's 2^16th part to each ends the generation. */
const DUST = 16n
const GENERATION_SHIFT = 88n
const SHARES = 2n ** GENERATION_SHIFT - 1n
const LAST_GENERATION = 63n
const LAST_POOL_GENERATION = 255n
const BPS = 10_000n

const upDiv = (a: bigint, b: bigint): bigint => (a + b - 1n) / b
const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b)

type Priced = { readonly tokens: bigint; readonly shares: bigint }

/** Shares that are worth an amount, rounded up. */
export function sharesUp({ tokens, shares }: Priced, amount: bigint): bigint {
  return tokens === shares || amount === 0n ? amount : upDiv(amount * shares, tokens)
}

/** Shares that an amount buys, rounded down. */
export function sharesDown({ tokens, shares }: Priced, amount: bigint): bigint {
  return tokens === shares ? amount : (amount * shares) / tokens
}

/** What shares are worth, rounded down. */
export function tokensDown({ tokens, shares }: Priced, amount: bigint): bigint {
  return tokens === shares ? amount : (amount * tokens) / shares
}

/** What shares are worth, rounded up. */
export function tokensUp({ tokens, shares }: Priced, amount: bigint): bigint {
  return tokens === shares ? amount : upDiv(amount * tokens, shares)
}

/** Own stake of a provider that has none. */
export function newSide(): OwnSide {
  return { tokens: 0n, shares: 0n, blocked: 0n, thawing: 0n, disputed: 0n, generation: 0n, isSlashed: false }
}

/** A pool that nobody is in. */
export function newPool(): PoolSide {
  return { tokens: 0n, shares: 0n, thawing: 0n, disputed: 0n, generation: 0n }
}

/** Adds stake. */
export function grow(side: OwnSide, amount: bigint): void {
  const bought = sharesDown(side, amount)
  side.tokens += amount
  side.shares += bought
}

/** Stake that no lien is on and that does not thaw, rounded down. */
export function freeOf(side: OwnSide): bigint {
  return side.shares > side.blocked ? tokensDown(side, side.shares - side.blocked) : 0n
}

/** Lets stake thaw. */
export function thaw(side: OwnSide, amount: bigint): void {
  const shares = sharesUp(side, amount)
  side.blocked += shares
  side.thawing += shares
}

/** Takes out what has thawed and no dispute holds; returns its worth. */
export function withdraw(side: OwnSide): bigint {
  const held = side.blocked > side.shares ? side.blocked - side.shares : 0n
  const shares = side.thawing > held ? side.thawing - held : 0n
  const amount = tokensDown(side, shares)
  side.tokens -= amount
  side.shares -= shares
  side.blocked -= shares
  side.thawing -= shares
  if (side.shares === 0n) side.isSlashed = false
  return amount
}

/** Puts stake under the lien of a deal; returns its generation and shares in one number. */
export function reserve(side: OwnSide, amount: bigint): bigint {
  const lien = lienOf(side, amount)
  side.blocked += lien & SHARES
  return lien
}

/** Blocks the shares of a lien, or frees them. Nothing if the lien is of another generation. */
export function moveLien(side: OwnSide, lien: bigint, sign: 1n | -1n): void {
  if (lien >> GENERATION_SHIFT === side.generation) side.blocked += sign * (lien & SHARES)
}

/** Takes what there is of an amount; returns how much that was. */
export function slashOwn(side: OwnSide, asked: bigint): bigint {
  const taken = smaller(asked, side.tokens)
  if (taken === 0n) return 0n
  side.tokens -= taken
  side.isSlashed = true
  if (side.tokens << DUST >= side.shares || side.generation === LAST_GENERATION) return taken
  const { tokens, generation } = side
  Object.assign(side, { ...newSide(), tokens, shares: tokens, generation: generation + 1n })
  return taken
}

/** Gives back what a slash took. */
export function regrow(side: OwnSide, amount: bigint): void {
  const isTooDear = side.tokens !== 0n && side.tokens + amount > side.shares << DUST
  if (!side.isSlashed || isTooDear) grow(side, amount)
  else side.tokens += amount
}

/** Takes from a pool what there is of an amount within the cap of one fault; returns how much that was. */
export function slashPool(pool: PoolSide, asked: bigint, capBps: bigint): bigint {
  const taken = smaller(asked, (pool.tokens * capBps) / BPS)
  if (taken === 0n) return 0n
  pool.tokens -= taken
  const isOver = pool.tokens << DUST < pool.shares && pool.generation < LAST_POOL_GENERATION
  if (isOver) Object.assign(pool, { ...newPool(), generation: pool.generation + 1n })
  return taken
}

/** Gives a pool back what a slash took, unless nobody is left whose it could be. */
export function regrowPool(pool: PoolSide, amount: bigint): void {
  if (pool.tokens + amount <= pool.shares << DUST) pool.tokens += amount
}

/** Stake that covers earnings: neither thawing nor in dispute, of a pool as much as one fault may take. */
export function slashableOf(side: OwnSide, pool: PoolSide, capBps: bigint): bigint {
  const out = side.thawing + side.disputed
  const own = out >= side.shares ? 0n : side.tokens - tokensUp(side, out)
  const poolOut = pool.thawing + pool.disputed
  const active = poolOut >= pool.shares ? 0n : tokensDown(pool, pool.shares - poolOut)
  return own + (active * capBps) / BPS
}

/** Both liens of a deal as one; if they are of two generations, the older one is worth nothing. */
export function joinedLien(lien: bigint, newer: bigint): bigint {
  return lien >> GENERATION_SHIFT === newer >> GENERATION_SHIFT ? lien + (newer & SHARES) : newer
}

/** The lien that a bond of `amount` is. */
export function lienOf(side: OwnSide, amount: bigint): bigint {
  return (side.generation << GENERATION_SHIFT) | sharesUp(side, amount)
}
