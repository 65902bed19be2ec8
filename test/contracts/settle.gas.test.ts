/**
 * What settling and single acts cost, on the current fork and the next, against the committed snapshot.
 *
 * @module
 */
import { expect } from 'chai'

import { Lane, Mode } from '#protocol/types.ts'
import { settleCall, signRound } from '#scripts/bench/batches.ts'
import { checkMoved, checkSettled, readBooks } from '#scripts/bench/books.ts'
import { type Chain, type ChainOptions, openChain } from '#scripts/bench/chain.ts'
import { measureOperations } from '#scripts/bench/measure-operations.ts'
import { createWorkload, type Shape } from '#scripts/bench/workload.ts'
import { createWorld } from '#scripts/bench/world.ts'

import { expectGas } from '../support/gas.ts'

const SEED = 1
const MIDDLE: Shape = { name: 'middle', deals: 10, buyers: 4, streamsPerDeal: 2, receiptsPerStream: 5 }

async function onChain<T>(options: ChainOptions, act: (chain: Chain) => Promise<T>): Promise<T> {
  const chain = await openChain(options)
  try {
    return await act(chain)
  } finally {
    await chain.close()
  }
}

async function settleTwice(chain: Chain, lane: Lane): Promise<bigint[]> {
  const world = await createWorld(chain, SEED, createWorkload(MIDDLE, SEED, 2), 'dense')
  const gas: bigint[] = []
  for (const round of [0, 1]) {
    const way = { mode: Mode.Calldata, lane, authority: lane === Lane.Attested ? 'committee' : 'none' } as const
    const call = await settleCall(world, signRound(world, round, lane), way)
    const before = await readBooks(world)
    const mined = await chain.send(world.submitter, chain.deployment.settlement, call.data)
    await checkSettled(world, call, mined)
    checkMoved(world, [call], before, await readBooks(world))
    gas.push(mined.gas)
  }
  return gas
}

describe('Gas', () => {
  for (const fork of ['osaka', 'amsterdam'] as const) {
    const options: ChainOptions = { fork, client: 'edr', seed: SEED }

    context(`on ${fork}`, () => {
      for (const [name, lane] of [
        ['attested', Lane.Attested],
        ['acknowledged', Lane.Acknowledged],
      ] as const) {
        it(`settles 20 ${name} groups of 5 receipts for what the snapshot says`, async () => {
          const [first = 0n, second = 0n] = await onChain(options, (chain) => settleTwice(chain, lane))
          await expectGas(`${fork}: settle 20 ${name} groups of 5, first batch`, first)
          await expectGas(`${fork}: settle 20 ${name} groups of 5, second batch`, second)
        })
      }

      it('does every single act for what the snapshot says', async () => {
        for (const [name, gas] of Object.entries(await measureOperations(options))) {
          if (gas === null) expect(name).to.equal('challenge')
          else await expectGas(`${fork}: ${name}`, gas)
        }
      })
    })
  }
})
