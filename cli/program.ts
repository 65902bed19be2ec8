/**
 * `tally`: one command for providers, buyers and auditors.
 *
 * @module
 */
import { Command, CommanderError } from 'commander'

import { TallyError } from '#protocol/errors.ts'

import { parseAddress, parseAmount, parseId, parseUrl, parseVariable, parseWorker } from './arguments.ts'
import { type AuditFlags, auditCommand } from './audit.ts'
import { reasonOf } from './chain.ts'
import { type ChallengeFlags, challengeCommand } from './challenge.ts'
import { ExitCode } from './errors.ts'
import { type ForceFlags, force } from './force.ts'
import type { Io } from './io.ts'
import { addProgram } from './program-commands.ts'
import { type StatusFlags, statusCommand } from './status.ts'
import { type WatchFlags, watchCommand } from './watch.ts'
import { type WithdrawFlags, withdraw } from './withdraw.ts'

type Outcome = { code: ExitCode }

function withChain(command: Command): Command {
  return command
    .requiredOption('--rpc <url>', 'JSON-RPC endpoint of the chain', parseUrl('--rpc'))
    .requiredOption('--address <address>', 'the Settlement’s address', parseAddress('--address'))
}

function withKey(command: Command): Command {
  return command
    .option('--key-file <file>', 'keystore file, or a plain key file only its owner may read')
    .option('--password-env <name>', 'variable that holds the keystore’s password', parseVariable('--password-env'))
    .option('--key-env <name>', 'variable that holds the private key', parseVariable('--key-env'))
}

function withWrite(command: Command): Command {
  return command
    .option('--dry-run', 'try it on the chain without sending it')
    .option('--calldata', 'print the call, for a Safe or another wallet')
    .option('--json', 'print JSON')
}

function addAudit(program: Command, io: Io, outcome: Outcome): void {
  const collect =
    (flag: string) =>
    (value: string, all: readonly string[] = []): readonly string[] => [...all, parseUrl(flag)(value)]
  program
    .command('audit')
    .description('re-derive every receipt ever paid from the chain alone; exits 1 when something does not add up')
    .requiredOption('--address <address>', 'the Settlement’s address', parseAddress('--address'))
    .option('--rpc <url>', 'JSON-RPC endpoint of a node that keeps its history', parseUrl('--rpc'))
    .option('--from-file <file>', 'a chain recorded with --save-file')
    .option('--save-file <file>', 'record everything that was read')
    .option('--data-url <url>', 'who may serve receipts’ preimages; may be given again', collect('--data-url'))
    .option('--archive <url>', 'who may serve blobs, besides the committee; may be given again', collect('--archive'))
    .option('--no-re-execute', 'run no receipt again, count all as open')
    .option('--json', 'print JSON')
    .action(async (flags: AuditFlags) => {
      outcome.code = await auditCommand(io, flags)
    })
}

function addForce(program: Command, io: Io): void {
  const command = program
    .command('force')
    .description('post signed receipts through the forced lane when no committee member takes them')
    .option('--store <file>', 'a worker’s store')
    .option('--worker <index>', 'that worker’s index in the registry', parseWorker('--worker'))
    .option('--receipts <file>', 'signed segments as JSON')
    .option('--deal <id>', 'only this deal', parseId('--deal'))
    .option('--sender <address>', 'who will send it, without a key', parseAddress('--sender'))
    .option('--authority-key-file <file>', 'the provider’s or worker’s key, when somebody else sends')
    .option('--authority-key-env <name>', 'variable that holds that key', parseVariable('--authority-key-env'))
    .action(async (flags: ForceFlags) => await force(io, flags))
  withWrite(withKey(withChain(command)))
}

function addWithdraw(program: Command, io: Io): void {
  const command = program
    .command('withdraw')
    .description('take a buyer’s free balance out, or claim a provider’s matured earnings')
    .option('--amount <base units>', 'of the buyer’s free balance, or "all"', parseAmount('--amount'))
    .option('--to <address>', 'who is paid; the buyer itself by default', parseAddress('--to'))
    .option('--provider <id>', 'claim this provider’s earnings', parseId('--provider'))
    .action(async (flags: WithdrawFlags) => await withdraw(io, flags))
  withWrite(withKey(withChain(command)))
}

function addStatus(program: Command, io: Io): void {
  const command = program
    .command('status')
    .description('show clock, deals, streams, providers and batches')
    .option('--from-block <number>', 'first block to look for events in', parseId('--from-block'))
    .option('--json', 'print JSON')
    .action(async (flags: StatusFlags) => await statusCommand(io, flags))
  withChain(command)
}

function addWatch(program: Command, io: Io): void {
  const collect =
    (flag: string) =>
    (value: string, all: readonly string[] = []): readonly string[] => [...all, parseUrl(flag)(value)]
  const command = program
    .command('watch')
    .description('find faults on the chain and in what nodes publish, and prove them with your own key')
    .requiredOption('--data <folder>', 'folder of its store, of this process alone')
    .option('--oversight <address>', 'the Oversight’s address', parseAddress('--oversight'))
    .option('--demands <address>', 'the Demands’ address', parseAddress('--demands'))
    .option('--disputes <address>', 'the Disputes’ address: provable work is done again', parseAddress('--disputes'))
    .option('--worker <url>', 'a worker whose promises are watched over; may be given again', collect('--worker'))
    .option('--member <url>', 'a member besides the committee’s; may be given again', collect('--member'))
    .option('--archive <url>', 'who may serve blobs, besides the committee; may be given again', collect('--archive'))
    .option('--from-block <number>', 'block the settlement was deployed at', parseId('--from-block'))
    .option('--confirmations <number>', 'blocks after which one counts', parseId('--confirmations'))
    .option('--demand-budget <base units>', 'most to lay out for demands', parseAmount('--demand-budget'))
    .option('--challenge-budget <base units>', 'most to have bound in challenges', parseAmount('--challenge-budget'))
    .option('--check <per mille>', 'receipts of a thousand that are done again', parseId('--check'))
    .option('--dry-run', 'say what it would send')
    .action(async (flags: WatchFlags) => await watchCommand(io, flags))
  withKey(withChain(command))
}

function addChallenge(program: Command, io: Io): void {
  const collect =
    (flag: string) =>
    (value: string, all: readonly string[] = []): readonly string[] => [...all, parseUrl(flag)(value)]
  const command = program
    .command('challenge')
    .description('do a paid receipt’s work again and, where it is wrong, challenge it and play the game to its end')
    .argument('<receipt>', 'its work hash, deal/stream/index, or a file of signed segments (the last receipt)')
    .requiredOption('--disputes <address>', 'the Disputes’ address', parseAddress('--disputes'))
    .option('--data <folder>', 'folder of what was sent, to go on with after a restart', '.tally-challenges')
    .option('--worker <url>', 'a worker that may serve what it was made of; may be given again', collect('--worker'))
    .option('--member <url>', 'a member besides the committee’s; may be given again', collect('--member'))
    .option('--preimage <file>', 'what the work hash was made of, as a worker’s /v1/work has it')
    .option('--program <file>', 'the program’s ELF file')
    .option('--input <file>', 'the input')
    .option('--from-block <number>', 'block the settlement was deployed at', parseId('--from-block'))
    .option('--confirmations <number>', 'blocks after which one counts', parseId('--confirmations'))
    .option('--poll <milliseconds>', 'how often to look', parseId('--poll'))
    .action(async (receipt: string, flags: ChallengeFlags) => await challengeCommand(io, receipt, flags))
  withWrite(withKey(withChain(command)))
}

/** What people read of an error: one sentence, never a stack. */
function sentenceOf(error: unknown): string {
  if (error instanceof CommanderError) {
    return error.code === 'commander.help'
      ? 'name a command; see tally --help'
      : error.message.replace(/^error: /, '').replaceAll('\n', ' ')
  }
  return error instanceof TallyError ? error.message : reasonOf(error)
}

function codeOf(error: unknown): string {
  if (error instanceof CommanderError) return 'cli.bad-argument'
  return error instanceof TallyError ? error.code : 'cli.unexpected'
}

const isHelp = (error: unknown): boolean => error instanceof CommanderError && error.exitCode === 0

/**
 * Runs one command line.
 *
 * @param args - Arguments after the program's name.
 * @returns 0 done, 1 an audit found discrepancies, 2 it could not run.
 */
export async function runTally(args: readonly string[], io: Io): Promise<ExitCode> {
  const outcome: Outcome = { code: ExitCode.Ok }
  const program = new Command('tally')
    .description('Tallystick: settlement for shared computing')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        io.out(text.trimEnd())
      },
      // said once below, in one sentence
      writeErr: () => undefined,
    })
  addAudit(program, io, outcome)
  addForce(program, io)
  addWithdraw(program, io)
  addStatus(program, io)
  addWatch(program, io)
  addProgram(program, io)
  addChallenge(program, io)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return outcome.code
  } catch (error) {
    if (isHelp(error)) return ExitCode.Ok
    io.err(`tally: ${sentenceOf(error)} (${codeOf(error)})`)
    return ExitCode.CouldNotRun
  }
}
