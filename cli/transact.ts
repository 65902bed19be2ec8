/**
 * The three ways a write may end: shown as calldata (for a Safe), tried without sending, or sent and waited for.
 *
 * @module
 */
import type { Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import type { Key } from '#runtime/keystore.ts'

import { type Deployment, reasonOf } from './chain.ts'
import { CliError } from './errors.ts'
import { type Io, toJson } from './io.ts'

/** How a write is to end. */
export type WriteFlags = { dryRun?: boolean; calldata?: boolean; json?: boolean }

/** One call of the settlement's and what it is, in words. */
export type Write = { data: Hex; what: string }

/** The key a write cannot do without. @throws CliError `cli.no-key`. */
export function needKey(key: Key | null): Key {
  if (key === null) {
    throw new CliError('cli.no-key', 'a key is needed: name one with --key-file or --key-env, or use --calldata')
  }
  return key
}

function say(io: Io, flags: WriteFlags, result: Record<string, unknown>, line: string): void {
  io.out(flags.json === true ? toJson(result) : line)
}

async function estimate(deployment: Deployment, key: Key, data: Hex): Promise<bigint> {
  try {
    return await deployment.client.estimateGas({ account: key.address, to: deployment.settlement, data })
  } catch (error) {
    throw new CliError('cli.would-revert', `the chain would refuse it: ${reasonOf(error)}`, { cause: error })
  }
}

async function send(deployment: Deployment, key: Key, data: Hex, gas: bigint): Promise<Hex> {
  const { client, settlement, chainId } = deployment
  try {
    const [nonce, fees] = await Promise.all([
      client.getTransactionCount({ address: key.address, blockTag: 'pending' }),
      client.estimateFeesPerGas(),
    ])
    const { maxFeePerGas, maxPriorityFeePerGas } = fees
    const call = { type: 'eip1559', chainId, nonce, to: settlement, data, maxFeePerGas, maxPriorityFeePerGas } as const
    // a fifth on top: other transactions may come first and change what this one costs
    const serializedTransaction = await privateKeyToAccount(key.privateKey).signTransaction({
      ...call,
      gas: (gas * 6n) / 5n,
    })
    return await client.sendRawTransaction({ serializedTransaction })
  } catch (error) {
    throw new CliError('cli.not-sent', `the transaction was not taken: ${reasonOf(error)}`, { cause: error })
  }
}

/**
 * Ends a write the way the flags ask for.
 *
 * @param options - `key` is not needed with `--calldata`.
 * @throws CliError `cli.would-revert`, `cli.not-sent`, `cli.reverted`.
 */
export async function finishWrite(
  io: Io,
  deployment: Deployment,
  write: Write,
  options: { flags: WriteFlags; key: Key | null },
): Promise<void> {
  const { flags } = options
  const { settlement, chainId, client } = deployment
  const call = { chainId, to: settlement, value: '0', data: write.data }
  if (flags.calldata === true) return say(io, flags, call, toJson(call))

  const key = needKey(options.key)
  const gas = await estimate(deployment, key, write.data)
  if (flags.dryRun === true) {
    const line = `${write.what}: would succeed from ${key.address} with about ${gas} gas`
    return say(io, flags, { ...call, from: key.address, gas, sent: false }, line)
  }
  const hash = await send(deployment, key, write.data, gas)
  const receipt = await client.waitForTransactionReceipt({ hash })
  if (receipt.status !== 'success') throw new CliError('cli.reverted', `transaction ${hash} was mined and failed`)
  const result = { transaction: hash, block: receipt.blockNumber, gasUsed: receipt.gasUsed, sent: true }
  say(io, flags, result, `${write.what}: done in transaction ${hash}, block ${receipt.blockNumber}`)
}
