/**
 * Follows a chain's head block by block and names what a re-organisation took away.
 *
 * The follower keeps a window of the newest block hashes. A new block whose parent is not the window's newest one leads
 * back to the last block both chains share; everything above it is reported as removed before anything is added.
 *
 * @module
 */
import type { Hex } from 'viem'

import { TallyError } from '#protocol/errors.ts'

/** What the follower needs of a block. */
export type ChainBlock = {
  readonly number: bigint
  readonly hash: Hex
  readonly parentHash: Hex
  /** Unix seconds. */
  readonly timestamp: bigint
}

/** One step of the chain, to be applied as a whole. */
export type ChainChange = {
  /** Newest block that stays valid: whatever was derived from higher ones is void. Null on the first step. */
  readonly ancestor: bigint | null
  /** Blocks of the window that are void now; empty without a re-organisation. */
  readonly removed: readonly ChainBlock[]
  /** First block not yet seen; logs are to be read from here to the head. */
  readonly from: bigint
  /** New blocks by rising number, at most the window's length, the last one being the head. */
  readonly added: readonly ChainBlock[]
  readonly head: ChainBlock
}

/** Reads blocks; viem's public client through {@link blockSource}, or a test's own. */
export type BlockSource = {
  latest(): Promise<ChainBlock>
  at(number: bigint): Promise<ChainBlock | null>
}

/** Follows one chain. */
export type ChainFollower = {
  /** Looks once; true if the head moved. @throws ChainFollowerError, or what the source or `apply` throws. */
  poll(): Promise<boolean>
  /** Head of the last step applied; null before the first. */
  head(): ChainBlock | null
}

/** Thrown when the source cannot be followed: `chain.too-deep` (re-organised beyond the window) or `chain.rewound`. */
export class ChainFollowerError extends TallyError {
  override readonly name = 'ChainFollowerError'
}

/** Blocks kept to find a common ancestor; a deeper re-organisation is taken for a broken node. */
const defaultWindow = 128

/**
 * Creates a follower that continues from a stored window.
 *
 * @param options - `window`: blocks known, by rising number; `start`: first block of interest when nothing is known;
 *   `apply` is awaited and must store the step before it returns: a step that throws is repeated.
 */
export function createChainFollower(options: {
  readonly source: BlockSource
  readonly window: readonly ChainBlock[]
  readonly start: bigint
  readonly apply: (change: ChainChange) => void | Promise<void>
  readonly windowLength?: number
}): ChainFollower {
  const { source, start, apply, windowLength = defaultWindow } = options
  let window = [...options.window]

  /** Newest block of the window that the chain of `head` still holds. */
  async function commonAncestor(head: ChainBlock): Promise<ChainBlock | null> {
    for (const known of window.toReversed()) {
      if (known.number > head.number) continue
      const now = known.number === head.number ? head : await source.at(known.number)
      if (now !== null && now.hash === known.hash) return known
    }
    return null
  }

  /**
   * Headers from `from` to `head`, at most the window's length, each the parent of the next; null if the chain changed
   * while they were read.
   */
  async function headersTo(head: ChainBlock, from: bigint): Promise<ChainBlock[] | null> {
    const oldest = head.number - BigInt(windowLength - 1)
    const lowest = [0n, oldest, from].reduce((a, b) => (a > b ? a : b))
    const headers = lowest > head.number ? [] : [head]
    for (let child = head; child.number > lowest; ) {
      const parent = await source.at(child.number - 1n)
      if (parent === null || parent.hash !== child.parentHash) return null
      headers.unshift(parent)
      child = parent
    }
    return headers
  }

  /** A node that fell far behind is syncing or broken; following it would void what is true. */
  function requireNear(head: ChainBlock): void {
    const tip = window.at(-1)
    if (tip !== undefined && head.number + BigInt(windowLength) < tip.number)
      throw new ChainFollowerError('chain.rewound', `head went from ${tip.number} to ${head.number}`)
  }

  async function step(head: ChainBlock): Promise<ChainChange | null> {
    requireNear(head)
    const ancestor = await commonAncestor(head)
    if (ancestor === null && window.length > 0)
      throw new ChainFollowerError('chain.too-deep', `no common block with the ${window.length} known ones`)

    const from = ancestor === null ? start : ancestor.number + 1n
    const added = await headersTo(head, from)
    if (added === null || !follows(added[0], ancestor)) return null
    const removed = window.filter((block) => block.number >= from)
    return { ancestor: ancestor?.number ?? null, removed, from, added, head }
  }

  return {
    async poll() {
      const head = await source.latest()
      if (head.hash === window.at(-1)?.hash) return false
      const change = await step(head)
      if (change === null) return false
      await apply(change)
      const { ancestor } = change
      const kept = ancestor === null ? [] : window.filter((block) => block.number <= ancestor)
      window = [...kept, ...change.added].slice(-windowLength)
      return true
    },
    head: () => window.at(-1) ?? null,
  }
}

type BlockReader = {
  getBlock(args: { blockTag: 'latest' } | { blockNumber: bigint }): Promise<{
    number: bigint | null
    hash: Hex | null
    parentHash: Hex
    timestamp: bigint
  }>
}

/** Whether `block`, if it is the ancestor's direct successor, really stands on it. */
function follows(block: ChainBlock | undefined, ancestor: ChainBlock | null): boolean {
  if (block === undefined || ancestor === null || block.number !== ancestor.number + 1n) return true
  return block.parentHash === ancestor.hash
}

/** Reads blocks through a viem public client. */
export function blockSource(client: BlockReader): BlockSource {
  const toBlock = (block: Awaited<ReturnType<BlockReader['getBlock']>>): ChainBlock => {
    if (block.number === null || block.hash === null)
      throw new ChainFollowerError('chain.pending', 'the node answered with a pending block')
    return { number: block.number, hash: block.hash, parentHash: block.parentHash, timestamp: block.timestamp }
  }
  return {
    latest: async () => toBlock(await client.getBlock({ blockTag: 'latest' })),
    at: async (number) => {
      try {
        return toBlock(await client.getBlock({ blockNumber: number }))
      } catch (error) {
        if (error instanceof Error && error.name === 'BlockNotFoundError') return null
        throw error
      }
    },
  }
}
