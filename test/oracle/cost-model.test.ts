import { expect } from 'chai'

import { estimate, mostGas } from '#oracle/domain/cost-model.ts'
import type { Fork } from '#oracle/domain/forks.ts'
import { Lane, Mode } from '#protocol/types.ts'
import type { BenchMode } from '#scripts/bench/batches.ts'
import { type Chain, openChain } from '#scripts/bench/chain.ts'
import { packWorld } from '#scripts/bench/packing.ts'
import { createWorkload, type Shape } from '#scripts/bench/workload.ts'
import { createWorld, type Density } from '#scripts/bench/world.ts'
import { type RealBatch, settleBatch } from './support/real-batches.ts'

const SEED = 7
const few: Shape = { name: 'middle', deals: 10, buyers: 4, streamsPerDeal: 2, receiptsPerStream: 3 }
const many: Shape = { name: 'middle', deals: 24, buyers: 4, streamsPerDeal: 3, receiptsPerStream: 20 }

describe('the cost model against the contracts', function () {
  this.timeout(120_000)
  let chain: Chain | undefined
  afterEach(() => chain?.close())

  async function open(fork: Fork, shape: Shape, density: Density) {
    chain = await openChain({ fork, client: 'edr', seed: SEED })
    return createWorld(chain, SEED, createWorkload(shape, SEED, 3), density)
  }

  function expectWithin(name: string, { shape, mined }: RealBatch, fork: Fork): void {
    const model = estimate(shape, fork)
    const words = `${name}: ${Math.round(model.gas)} for ${mined.gas} gas`
    expect(model.gas / Number(mined.gas), words).to.be.within(0.97, 1.03)
    expect(model.bytes / ((mined.data.length - 2) / 2), `${name}: bytes`).to.be.within(0.97, 1.2)
    expect(model.blobGas).to.equal(Number(mined.blobGas))
  }

  function expectBelowMost(name: string, { shape, mined }: RealBatch, fork: Fork): void {
    const ratio = mostGas(shape, fork) / Number(mined.gas)
    expect(ratio, `${name}: at most ${Math.round(mostGas(shape, fork))} for ${mined.gas} gas`).to.be.within(1, 1.35)
  }

  const ways: readonly (readonly [string, { mode: BenchMode; lane: Lane }])[] = [
    ['attested in calldata', { mode: Mode.Calldata, lane: Lane.Attested }],
    ['attested in blobs', { mode: Mode.Blob, lane: Lane.Attested }],
    ['acknowledged in calldata', { mode: Mode.Calldata, lane: Lane.Acknowledged }],
    ['acknowledged in blobs', { mode: Mode.Blob, lane: Lane.Acknowledged }],
  ]
  for (const fork of ['osaka', 'amsterdam'] as const) {
    for (const [name, way] of ways) {
      it(`holds on ${fork}, ${name}: the first batch, one group, and many with everything packed`, async () => {
        const world = await open(fork, few, 'dense')
        const { streams } = world.workload
        expectBelowMost('first', await settleBatch(world, 0, streams, way), fork)
        expectWithin('one group', await settleBatch(world, 1, streams.slice(0, 1), way), fork)
        const { world: packed } = await packWorld(world)
        expectWithin('packed', await settleBatch(packed, 1, streams.slice(1), way), fork)
      })
    }

    it(`holds on ${fork} where groups share nothing`, async () => {
      const world = await open(fork, few, 'sparse')
      const way = { mode: Mode.Calldata, lane: Lane.Attested }
      expectBelowMost('first', await settleBatch(world, 0, world.workload.streams, way), fork)
      expectWithin('second', await settleBatch(world, 1, world.workload.streams, way), fork)
    })

    it(`holds on ${fork} where groups are long and deals have further streams`, async () => {
      const world = await open(fork, many, 'dense')
      const way = { mode: Mode.Calldata, lane: Lane.Attested }
      await settleBatch(world, 0, world.workload.streams, way)
      expectWithin('second', await settleBatch(world, 1, world.workload.streams, way), fork)
    })
  }
})
