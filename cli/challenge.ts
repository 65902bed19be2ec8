/**
 * `tally challenge`: does a paid receipt's work again and, where it is wrong, challenges it and plays the game to its end.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'

import { type Address, formatUnits } from 'viem'

import { challenging, type Ending, type SessionOptions, type Suspicion, type Told } from '#auditor/challenge-receipt.ts'
import { Turn } from '#protocol/disputes.ts'
import { parseWorkPreimage } from '#protocol/wire.ts'
import { createExecutor } from '#runtime/executor.ts'
import { createLog } from '#runtime/log.ts'

import { type Deployment, openDeployment, reasonOf } from './chain.ts'
import { CliError } from './errors.ts'
import { type Io, toJson } from './io.ts'
import { type KeyFlags, keyFrom } from './key.ts'
import { readNamed } from './receipt-name.ts'
import { needKey, type WriteFlags } from './transact.ts'

/** Flags of `tally challenge`. */
export type ChallengeFlags = WriteFlags &
  KeyFlags & {
    rpc: string
    address: Address
    disputes: Address
    data: string
    worker?: readonly string[]
    member?: readonly string[]
    preimage?: string
    program?: string
    input?: string
    fromBlock?: number
    confirmations?: number
    poll?: number
  }

const POLL_MS = 2_000
const CONFIRMATIONS = 1

async function bytesOf(file: string | undefined): Promise<Uint8Array | undefined> {
  if (file === undefined) return undefined
  try {
    return new Uint8Array(await readFile(file))
  } catch (error) {
    throw new CliError('cli.unreadable-file', `${file} cannot be read: ${reasonOf(error)}`, { cause: error })
  }
}

async function givenBy({ preimage, program, input }: ChallengeFlags): Promise<SessionOptions['given']> {
  const text = await bytesOf(preimage)
  try {
    const work = text === undefined ? undefined : parseWorkPreimage(JSON.parse(new TextDecoder().decode(text)))
    return { work, program: await bytesOf(program), input: await bytesOf(input) }
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError('cli.unreadable-file', `${preimage} holds no preimage: ${reasonOf(error)}`, { cause: error })
  }
}

function nameOf({ deal, stream, index }: Suspicion['target']): string {
  return `receipt ${index} of stream ${stream} of deal ${deal.id}`
}

/** One line for people, or one JSON object a line. */
function teller(io: Io, flags: ChallengeFlags) {
  return (event: Readonly<Record<string, unknown>>, line: string): void => {
    io.out(flags.json === true ? toJson(event).replaceAll(/\n\s*/g, ' ') : line)
  }
}

const SIDES: Readonly<Record<number, string>> = { [Turn.Asserter]: 'asserter', [Turn.Challenger]: 'challenger' }

const WORDS = {
  paying: 'lets the bond be taken',
  sent: 'challenges',
  playing: 'the game has begun',
  ended: 'the game has ended',
  refuted: 'it is refuted already',
} as const

function tellStanding(say: ReturnType<typeof teller>, { standing }: Extract<Told, { kind: 'standing' }>): void {
  if (standing.kind === 'refused') {
    say({ event: 'refused', reason: standing.reason }, `refused for now: ${standing.reason}`)
  } else {
    say({ event: standing.kind }, WORDS[standing.kind])
  }
}

function tellMove(say: ReturnType<typeof teller>, { move, game }: Extract<Told, { kind: 'move' }>): void {
  const by = SIDES[move.turn] ?? 'arbiter'
  const number = game.moves.indexOf(move) + 1
  const { transaction } = move
  say({ event: 'move', number, by, game: game.id, transaction }, `move ${number} by the ${by}: ${transaction}`)
}

function tellIn(say: ReturnType<typeof teller>) {
  return (event: Told): void => {
    if (event.kind === 'found') say({ event: 'found', receipt: nameOf(event.target) }, `found ${nameOf(event.target)}`)
    else if (event.kind === 'move') tellMove(say, event)
    else if (event.kind === 'standing') tellStanding(say, event)
    else say({ event: 'trouble', reason: event.reason }, `will look again: ${event.reason.split('\n')[0]}`)
  }
}

function tellEnding(say: ReturnType<typeof teller>, { token }: Deployment, { won, game, before, after }: Ending): void {
  const amount = (value: bigint) => `${formatUnits(value, token.decimals)} ${token.symbol}`
  const gain = after - before
  const result = { event: 'end', won, game: game?.id ?? null, moves: game?.moves.length ?? 0, before, after, gain }
  const outcome = won ? 'the receipt is refuted' : 'the game is lost'
  say(result, `${outcome}; the key had ${amount(before)} and has ${amount(after)}`)
}

async function act(
  io: Io,
  flags: ChallengeFlags,
  deployment: Deployment,
  found: { readonly options: SessionOptions; readonly suspicion: Suspicion },
): Promise<void> {
  const { options, suspicion } = found
  const say = teller(io, flags)
  if (flags.calldata === true) {
    const calls = await challenging.challengeCalls(options, suspicion)
    return io.out(toJson(calls.map((call) => ({ chainId: deployment.chainId, value: '0', ...call }))))
  }
  if (flags.dryRun === true) return say({ event: 'dry-run', sent: false }, 'it would be challenged; nothing was sent')
  const { data: dataDir, poll: pollMs = POLL_MS, confirmations = CONFIRMATIONS } = flags
  const key = needKey(await keyFrom(io, flags))
  const ending = await challenging.playToEnd(options, suspicion, { key, dataDir, pollMs, confirmations })
  tellEnding(say, deployment, ending)
  if (!ending.won) throw new CliError('cli.game-lost', 'the game was lost')
}

/** Runs `tally challenge`. @throws CliError, AuditError, ExecutionError. */
export async function challengeCommand(io: Io, receipt: string, flags: ChallengeFlags): Promise<void> {
  const named = await readNamed(receipt)
  const given = await givenBy(flags)
  const deployment = await openDeployment(flags.rpc, flags.address)
  const { client, settlement, registry, committee, token } = deployment
  const say = teller(io, flags)
  const executor = createExecutor()
  try {
    const options: SessionOptions = {
      ...{ client, contracts: { settlement, registry, committee }, disputes: flags.disputes, token: token.address },
      ...{ fromBlock: BigInt(flags.fromBlock ?? 0), sought: named, given, executor, signal: io.signal },
      places: [...(flags.worker ?? []), ...(flags.member ?? [])].map((url) => url.replace(/\/+$/, '')),
      tell: tellIn(say),
      log: createLog({ name: 'challenge', level: 'silent' }),
    }
    const suspicion = await challenging.suspect(options)
    const { difference, target } = suspicion
    const what = nameOf(target)
    if (difference === null) {
      return say({ event: 'agrees', receipt: what }, `${what} is right: output, last state and units are the same`)
    }
    say({ event: 'wrong', receipt: what, difference }, `${what} is wrong: done again, the work ${difference}`)
    await act(io, flags, deployment, { options, suspicion })
  } finally {
    await executor.close()
  }
}
