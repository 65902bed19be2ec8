/** @module */
import { expect } from 'chai'
import { network } from 'hardhat'
import { type Hex, keccak256, toHex } from 'viem'

import { decodePosition, dissection, partEnds, stepProof, withinPart } from '#protocol/bisection.ts'
import { encodeOpening } from '#protocol/bisection-opening.ts'
import { taskHash } from '#protocol/eip712.ts'
import { Kind } from '#protocol/types.ts'
import { OUTPUT_BASE } from '#protocol/vm/layout.ts'
import { toBytes } from '#protocol/words.ts'

import { createRandom, type Random } from '../fuzz/support/random.ts'
import { deploy } from '../support/deployment.ts'
import { createGames, Turn } from '../support/games.ts'
import { createMarket, openDeal, USD } from '../support/market.ts'
import {
  inventedFrom,
  type Job,
  type Mistake,
  programOf,
  type Run,
  runOf,
  statementOf,
} from '../support/played-runs.ts'
import { advance } from '../support/protocol-clock.ts'
import { moveIn, playOut } from '../support/provable-games.ts'
import { BACKWARDS, ENDLESS, TRAPPING } from '../support/provable-programs.ts'
import { rounds, slips, summing } from '../support/summing.ts'
import { createShowing } from '../support/tasks.ts'
import { asm, elfOfCode } from '../support/vm-assembler.ts'
import { randomProgram } from '../support/vm-programs.ts'
import { workHashOf } from '../support/work.ts'

const { ethers, networkHelpers } = await network.create({ network: 'osaka' })

const isDeep = process.env.TALLY_DEEP === '1'
const SEED = process.env.TALLY_FUZZ_SEED ?? 'disputes'
const DISPUTES = isDeep ? 200 : 6
const HOUR = 3600
/** Of an opening without its list. */
const OPENING_BYTES = 367

async function fixture() {
  const market = await createMarket(await deploy(ethers))
  for (const who of [market.buyer, market.stranger, market.operator]) {
    await market.dollar.mint(who, 1_000_000n * USD)
    await market.dollar.connect(who).approve(market.disputes, 1_000_000n * USD)
  }
  await advance(networkHelpers, market, 2 * HOUR)
  return market
}

/** A receipt for a job as its provider ran it, settled and challenged by a stranger. */
async function challenged(job: Job, mistake?: Mistake) {
  const market = await networkHelpers.loadFixture(fixture)
  const offer = { kind: Kind.Provable, program: programOf(job), price: 1n, salt: workHashOf('provable') }
  const terms = { exposure: 100_000_000n, streams: 4 }
  const deal = await openDeal(market, market.provider, { offer, terms })
  const asserted = runOf(job, mistake)
  const order = { index: 2n, maxUnits: job.maxUnits }
  const hashOf = (inputRoot: Hex) => taskHash({ dealKey: deal.key, inputRoot, ...order })
  const statement = statementOf(job, order, hashOf, asserted.final(), asserted)
  const { units, workHash, opening } = statement
  const before = [0, 1].map((index) => ({ units: 5n, workHash: workHashOf(`before ${index}`) }))
  const stream = deal.stream(0).add(...before, { units, workHash })
  const shown = await createShowing(market).attested(stream, 2)
  const games = createGames(market)
  const game = await games.challenge(deal, shown, market.stranger)
  const play = async (by: Run, challenger: Run) =>
    await playOut(games, game, opening, { run: by, who: market.operator }, { run: challenger, who: market.stranger })
  const attempt = (move: Hex) =>
    market.bisectionReferee.next.staticCall(game.claim as never, game.state, game.turn, move)
  return { market, deal, games, game, asserted, opening, play, attempt, statement }
}

/** Ends a game whose side to move has no move. */
async function silence({ market, games, game }: Awaited<ReturnType<typeof challenged>>): Promise<void> {
  await advance(networkHelpers, market, 8 * HOUR + 60)
  const sent = await games.timeOut(game)
  const receipt = await sent.wait()
  const ended = receipt?.logs
    .map((entry) => market.disputes.interface.parseLog(entry))
    .find((entry) => entry?.name === 'Ended')
  game.turn = Number(ended?.args.outcome)
}

const summingJob = (count: number): Job => ({ elf: summing, input: rounds(count), maxUnits: 10n })
const nops = (steps: number) => elfOfCode([...Array.from({ length: steps - 1 }, () => asm.addi(0, 0, 0)), asm.ecall()])
const slipAt = ({ after, change }: ReturnType<typeof slips.output>): Mistake => ({ step: Number(after), change })

const LIES: readonly [name: string, mistake: Mistake][] = [
  ['a wrong output', slipAt(slips.output(250n))],
  ['a wrong register', slipAt(slips.register(40n))],
  ['a wrong byte in memory', slipAt(slips.memory(123n))],
  ['more work than there was', slipAt(slips.longer(77n, 300))],
  ['units that were not needed', { step: 100, change: (machine) => (machine.steps += 1_500_000) }],
  ['an end that it has not come to', { step: 64, change: (machine) => (machine.status = 1) }],
  ['a trap where there was none', { step: 255, change: (machine) => (machine.status = 2) }],
]

describe('BisectionReferee', () => {
  describe('a provider that lies', () => {
    for (const [name, mistake] of LIES) {
      it(`loses by the very step: ${name}`, async () => {
        const job = summingJob(100)
        const { market, game, asserted, play } = await challenged(job, mistake)
        const { sent, isStuck } = await play(asserted, runOf(job))
        expect([game.turn, isStuck]).to.deep.equal([Turn.ChallengerWon, false])
        await expect(sent.at(-1)).to.emit(market.registry, 'Slashed').and.to.emit(market.tally, 'UnitsVoided')
      })
    }

    it('loses by silence if it cannot open its receipt', async () => {
      const job = summingJob(3)
      const setting = await challenged(job)
      const { market, game, opening, games } = setting
      const wrong = { ...opening, startedAt: opening.startedAt + 1n }
      const played = games.moveBy(game, encodeOpening(wrong), market.operator)
      await expect(played).to.be.revertedWithCustomError(market.bisectionReferee, 'RefereeBadMove')
      await silence(setting)
      expect(game.turn).to.equal(Turn.ChallengerWon)
    })
  })

  describe('a provider that is right', () => {
    for (const [name, job] of [
      ['of one step, with an empty input, ended by a trap', { elf: TRAPPING, input: new Uint8Array(), maxUnits: 1n }],
      ['of one step that halts, with an empty output', { elf: nops(1), input: new Uint8Array(7), maxUnits: 3n }],
      ['of 16 steps', { elf: nops(16), input: new Uint8Array(), maxUnits: 1n }],
      ['of 17 steps', { elf: nops(17), input: new Uint8Array(), maxUnits: 1n }],
      ['of 256 steps', { elf: nops(256), input: new Uint8Array(), maxUnits: 1n }],
      ['of 257 steps', { elf: nops(257), input: new Uint8Array(), maxUnits: 1n }],
      ['of 4,096 steps', { elf: nops(4096), input: new Uint8Array(4096), maxUnits: 1n }],
      ['of 4,097 steps', { elf: nops(4097), input: new Uint8Array(4097), maxUnits: 1n }],
      ['cut off at its last unit', { elf: ENDLESS, input: new Uint8Array(), maxUnits: 2n }],
      ['on several pages of input and output', { elf: BACKWARDS, input: new Uint8Array(9000).fill(3), maxUnits: 1n }],
      ['on the longest input', { elf: nops(3), input: new Uint8Array(2 ** 24).fill(9), maxUnits: 1n }],
    ] as const) {
      it(`wins whatever a challenger makes up about a run ${name}`, async () => {
        const setting = await challenged(job)
        const { market, game, asserted, play } = setting
        const from = asserted.steps / 3n + 1n
        const { isStuck } = await play(asserted, inventedFrom(asserted, from, 'challenger'))
        expect([game.turn, isStuck]).to.deep.equal([Turn.Challenger, true])
        await silence(setting)
        expect(game.turn).to.equal(Turn.AsserterWon)
        expect(await market.tally.disputed()).to.equal(0n)
      })
    }

    it('is not bound to say more than twelve times in all, the longest run there may be', async () => {
      const { market, game } = await challenged(summingJob(3))
      const claim = game.claim as unknown as Parameters<typeof market.bisectionReferee.moves>[0] & unknown[]
      const movesOf = async (units: bigint) => {
        const changed = [...claim]
        changed[4] = units
        return (await market.bisectionReferee.moves(changed as never)).map(Number)
      }
      expect(await movesOf(1n)).to.deep.equal([3, 3])
      expect(await movesOf(135n)).to.deep.equal([4, 4])
      expect(await movesOf(2n ** 24n - 1n)).to.deep.equal([6, 6])
    })
  })

  it(`gives ${DISPUTES} random disputes to who is right`, async function () {
    this.timeout(1_800_000)
    const outcomes = new Map<string, number>()
    for (let index = 0; index < DISPUTES; index += 1) {
      const name = await randomDispute(createRandom(SEED, index))
      outcomes.set(name, (outcomes.get(name) ?? 0) + 1)
    }
    if (isDeep) console.log(Object.fromEntries(outcomes))
  })

  describe('an opening', () => {
    it('is refused with any byte changed: it is true to the claim, or none', async () => {
      const { opening, attempt, market } = await challenged(summingJob(500))
      const bytes = toBytes(encodeOpening(opening))
      const [, turn] = await attempt(toHex(bytes))
      expect(turn).to.equal(BigInt(Turn.Challenger))
      const last = bytes.length - 32
      // entries but the last are free: they are what is disputed next
      const bound = Array.from(bytes.keys()).filter((at) => at < OPENING_BYTES || at >= last)
      for (const at of bound) {
        const changed = bytes.slice()
        changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
        await expect(attempt(toHex(changed)), `byte ${at}`).to.be.revertedWithCustomError(
          market.bisectionReferee,
          'RefereeBadMove',
        )
      }
    })

    it('is refused cut or drawn out', async () => {
      const { opening, attempt, market } = await challenged(summingJob(1000))
      const move = encodeOpening(opening)
      for (const wrong of [
        '0x',
        move.slice(0, 2 * OPENING_BYTES),
        move.slice(0, -2),
        move.slice(0, -64),
        `${move}00`,
      ]) {
        await expect(attempt(wrong as Hex)).to.be.revertedWithCustomError(market.bisectionReferee, 'RefereeBadMove')
      }
    })

    it('needs the claim', async () => {
      const { game, opening, market } = await challenged(summingJob(3))
      const played = market.disputes.connect(market.operator).advance(game.facts, encodeOpening(opening))
      await expect(played).to.be.revertedWithCustomError(market.bisectionReferee, 'RefereeNeedsClaim')
    })
  })

  describe('an answer', () => {
    /** A game in which the asserter has opened, and the challenger's right answer. */
    async function opened(job: Job, mistake?: Mistake) {
      const setting = await challenged(job, mistake)
      const { games, game, opening, market } = setting
      await games.moveBy(game, encodeOpening(opening), market.operator)
      const position = decodePosition(game.state)
      if (position === undefined) return expect.fail('the game is open')
      const truth = runOf(job)
      const right = moveIn(game.state, opening.list, truth, opening)
      return { ...setting, position, truth, right }
    }

    it('is refused unless it shows the list’s own entries and states all of another end', async () => {
      const { opening, position, attempt, market, right } = await opened(summingJob(790), slipAt(slips.register(1000n)))
      const { list } = opening
      const part = right === undefined ? -1 : Number(BigInt(right.move.slice(0, 4)))
      const own = right?.list ?? []
      const ends = partEnds(withinPart(position, part))
      expect(own).to.have.length(ends.length)
      await attempt(dissection(list, part, own))
      const entry = list[part] ?? '0x'
      const other = keccak256('0x01')
      const forged = list.map((word, index) => (index === part ? other : word))
      const forgedBefore = list.map((word, index) => (index === part - 1 ? other : word))
      for (const [name, move] of [
        ['the same end', dissection(list, part, [...own.slice(0, -1), entry])],
        ['another entry', dissection(forged, part, own)],
        ['another entry before', dissection(forgedBefore, Math.max(part, 1), own)],
        ['an entry too few', dissection(list, part, own.slice(0, -1))],
        ['an entry too many', dissection(list, part, [...own, other])],
        ['a part that is none', `0x10${dissection(list, part, own).slice(4)}` as Hex],
        ['the witness instead', stepProof(list, part, '0xabcd')],
        ['nothing', '0x' as Hex],
      ] as const) {
        await expect(attempt(move), name).to.be.revertedWithCustomError(market.bisectionReferee, 'RefereeBadMove')
      }
    })

    it('with a proof is refused for a step that is right, another state, or no witness', async () => {
      const job = { elf: nops(9), input: new Uint8Array(), maxUnits: 1n }
      const { opening, asserted, position, attempt, market } = await opened(job)
      expect(position.level).to.equal(1)
      for (const part of [0, 4, 8]) {
        const proof = stepProof(opening.list, part, asserted.witness(BigInt(part)))
        await expect(attempt(proof)).to.be.revertedWithCustomError(market.bisectionReferee, 'RefereeBadMove')
      }
      const other = stepProof(opening.list, 4, asserted.witness(5n))
      await expect(attempt(other)).to.be.revertedWithCustomError(market.bisectionReferee, 'RefereeBadMove')
      const cut = stepProof(opening.list, 4, asserted.witness(4n).slice(0, -2) as Hex)
      await expect(attempt(cut)).to.be.revertedWithCustomError(market.bisectionReferee, 'MachineBadWitness')
    })
  })
})

/** One dispute of a random program, in which one side errs somewhere; says in which way. */
async function randomDispute(random: Random): Promise<string> {
  const { elf, input } = randomProgram(random, { wildPerThousand: 2 })
  const job = { elf, input, maxUnits: 1n }
  const truth = runOf(job)
  const [name, mistake] = randomMistake(random, Number(truth.steps))
  const liar = runOf(job, mistake)
  const isHarmless = liar.steps === truth.steps && liar.at(liar.steps) === truth.at(truth.steps)
  if (isHarmless || random.chance(30)) {
    const setting = await challenged(job)
    // who has nothing to object makes something up
    const challenger = isHarmless ? inventedFrom(liar, truth.steps, 'end') : liar
    await setting.play(setting.asserted, challenger)
    await silence(setting)
    expect(setting.game.turn, name).to.equal(Turn.AsserterWon)
    return isHarmless ? `challenger: ${name}, harmless` : `challenger: ${name}`
  }
  const setting = await challenged(job, mistake)
  const { game, asserted, play } = setting
  await play(asserted, truth)
  // more steps than it was paid for cannot even be opened
  if (game.turn === Turn.Asserter) await silence(setting)
  expect(game.turn, name).to.equal(Turn.ChallengerWon)
  return `provider: ${name}`
}

function randomMistake(random: Random, steps: number): [name: string, mistake: Mistake] {
  const step = random.below(steps)
  const register = 1 + random.below(31)
  const bit = 1 << random.below(32)
  const offset = random.pick([random.below(2 ** 26), random.below(4096), OUTPUT_BASE - 0x8000_0000])
  return random.pick<[string, Mistake]>([
    [
      'register',
      {
        step,
        change: ({ memory }) => {
          memory.registers[register] = (memory.registers[register] ?? 0) ^ bit
        },
      },
    ],
    [
      'memory',
      {
        step,
        change: ({ memory }) => {
          memory.bytes[offset] = (memory.bytes[offset] ?? 0) ^ 0x40
          memory.dirty[offset >> 12] = 1
        },
      },
    ],
    ['units', { step, change: (machine) => (machine.steps += 1 + random.below(400_000)) }],
    ['output', { ...slipAt(slips.output(BigInt(step))) }],
    ['end', { step, change: (machine) => (machine.status = 2) }],
  ])
}
