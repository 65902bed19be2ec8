import { expect } from 'chai'
import fc from 'fast-check'
import { keccak256, stringToHex } from 'viem'

import { type BlockSource, type ChainBlock, type ChainChange, createChainFollower } from '#runtime/chain-follower.ts'

/** Blocks 0 … length − 1; from `forkAt` on they carry the fork's name. */
function chainOf(length: number, forkAt = length, fork = 'a'): ChainBlock[] {
  const blocks: ChainBlock[] = []
  for (let number = 0; number < length; number++) {
    const parentHash = blocks.at(-1)?.hash ?? `0x${'00'.repeat(32)}`
    // as on a real chain, a block's hash tells all blocks before it
    const hash = keccak256(stringToHex(`${number} ${number >= forkAt ? fork : 'main'} ${parentHash}`))
    blocks.push({ number: BigInt(number), hash, parentHash, timestamp: BigInt(number * 12) })
  }
  return blocks
}

function sourceOf(current: () => ChainBlock[]): BlockSource {
  return {
    latest: async () => current().at(-1) ?? Promise.reject(new Error('no block')),
    at: async (number) => current()[Number(number)] ?? null,
  }
}

function follow(current: () => ChainBlock[], window: readonly ChainBlock[] = [], windowLength = 16) {
  const changes: ChainChange[] = []
  const follower = createChainFollower({
    source: sourceOf(current),
    window,
    start: 0n,
    windowLength,
    apply: (change) => void changes.push(change),
  })
  return { follower, changes }
}

const numbers = (blocks: readonly ChainBlock[] = []) => blocks.map(({ number }) => Number(number))
const codeOf = async (work: Promise<unknown>) =>
  work.then(
    () => 'nothing thrown',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
  )

describe('following a chain', () => {
  it('begins with the newest blocks and asks for everything from the start', async () => {
    const { follower, changes } = follow(() => chainOf(40))
    expect(await follower.poll()).to.equal(true)
    expect(changes[0]?.from).to.equal(0n)
    expect(numbers(changes[0]?.added)).to.deep.equal(Array.from({ length: 16 }, (_, i) => 24 + i))
    expect(await follower.poll(), 'the same head is no news').to.equal(false)
  })

  it('goes on where it was after a restart', async () => {
    const { follower, changes } = follow(() => chainOf(12), chainOf(10))
    await follower.poll()
    expect(changes[0]?.from).to.equal(10n)
    expect(numbers(changes[0]?.added)).to.deep.equal([10, 11])
    expect(changes[0]?.removed).to.deep.equal([])
  })

  for (const depth of [1, 2, 3, 7]) {
    it(`names what a re-organisation of ${depth} took away`, async () => {
      let blocks = chainOf(10)
      const { follower, changes } = follow(() => blocks)
      await follower.poll()
      blocks = chainOf(11, 10 - depth)
      await follower.poll()
      const [, change] = changes
      expect(change?.ancestor).to.equal(BigInt(9 - depth))
      expect(numbers(change?.removed)).to.deep.equal(Array.from({ length: depth }, (_, i) => 10 - depth + i))
      expect(change?.from).to.equal(BigInt(10 - depth))
      expect(numbers(change?.added)).to.deep.equal(Array.from({ length: depth + 1 }, (_, i) => 10 - depth + i))
    })
  }

  it('goes back when the chain got shorter', async () => {
    let blocks = chainOf(10)
    const { follower, changes } = follow(() => blocks)
    await follower.poll()
    blocks = chainOf(8)
    await follower.poll()
    expect(numbers(changes[1]?.removed)).to.deep.equal([8, 9])
    expect(follower.head()?.number).to.equal(7n)
  })

  it('takes a head far behind for a broken node, not for a re-organisation', async () => {
    let blocks = chainOf(60)
    const { follower } = follow(() => blocks)
    await follower.poll()
    blocks = chainOf(20)
    expect(await codeOf(follower.poll())).to.equal('chain.rewound')
    blocks = chainOf(61)
    expect(await follower.poll()).to.equal(true)
  })

  it('refuses a chain it has no block in common with', async () => {
    let blocks = chainOf(30)
    const { follower } = follow(() => blocks)
    await follower.poll()
    blocks = chainOf(31, 0)
    expect(await codeOf(follower.poll())).to.equal('chain.too-deep')
  })

  it('repeats a step that could not be applied', async () => {
    let fails = true
    const seen: bigint[] = []
    const follower = createChainFollower({
      source: sourceOf(() => chainOf(5)),
      window: [],
      start: 0n,
      apply({ from }) {
        seen.push(from)
        if (fails) throw new Error('disk full')
      },
    })
    await follower.poll().catch(() => null)
    fails = false
    await follower.poll()
    expect(seen).to.deep.equal([0n, 0n])
    expect(follower.head()?.number).to.equal(4n)
  })

  it('ends with the source’s own blocks whatever happened on the way', async () => {
    const step = fc.record({
      length: fc.integer({ min: 20, max: 30 }),
      fork: fc.integer({ min: 16, max: 30 }),
      name: fc.constantFrom('a', 'b'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        let blocks = chainOf(20)
        const known = new Map<bigint, ChainBlock>()
        const follower = createChainFollower({
          source: sourceOf(() => blocks),
          window: [],
          start: 0n,
          windowLength: 32,
          apply({ removed, added }) {
            for (const { number } of removed) known.delete(number)
            for (const block of added) known.set(block.number, block)
          },
        })
        await follower.poll()
        for (const { length, fork, name } of steps) {
          blocks = chainOf(length, fork, name)
          await follower.poll()
          expect([...known.values()].map(({ hash }) => hash)).to.have.members(blocks.map(({ hash }) => hash))
        }
      }),
    )
  })
})
