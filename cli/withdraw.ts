/**
 * `tally withdraw`: a buyer takes free balance out, or a provider its matured earnings.
 *
 * @module
 */
import { type Address, encodeFunctionData, formatUnits } from 'viem'

import { settlementAbi } from '#protocol/abi.generated.ts'
import type { Key } from '#runtime/keystore.ts'

import { type Deployment, openDeployment } from './chain.ts'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { type KeyFlags, keyFrom } from './key.ts'
import { finishWrite, type Write, type WriteFlags } from './transact.ts'

/** Flags of `tally withdraw`. */
export type WithdrawFlags = WriteFlags &
  KeyFlags & { rpc: string; address: Address; amount?: bigint | 'all'; to?: Address; provider?: number }

function moneyOf({ token }: Deployment, amount: bigint): string {
  return `${formatUnits(amount, token.decimals)} ${token.symbol}`
}

async function claimOf(deployment: Deployment, provider: number): Promise<Write> {
  const own = { abi: settlementAbi, address: deployment.settlement } as const
  const { claimable } = await deployment.client.readContract({ ...own, functionName: 'earnings', args: [provider] })
  if (claimable === 0n) throw new CliError('cli.nothing-to-withdraw', `provider ${provider} has nothing to claim yet`)
  return {
    data: encodeFunctionData({ abi: settlementAbi, functionName: 'claim', args: [provider] }),
    what: `claim ${moneyOf(deployment, claimable)} of provider ${provider} to its payout account`,
  }
}

async function freeOf(deployment: Deployment, buyer: Address): Promise<bigint> {
  const own = { abi: settlementAbi, address: deployment.settlement } as const
  const [free] = await deployment.client.readContract({ ...own, functionName: 'account', args: [buyer] })
  return free
}

/** The amount to take out: what was asked for, or everything free. */
async function amountOf(deployment: Deployment, wanted: bigint | 'all', buyer: Address | null): Promise<bigint> {
  if (buyer === null) {
    if (wanted !== 'all') return wanted
    throw new CliError('cli.no-key', '--amount all needs a key, to know whose balance is meant')
  }
  const free = await freeOf(deployment, buyer)
  const amount = wanted === 'all' ? free : wanted
  if (amount > 0n && amount <= free) return amount
  throw new CliError('cli.nothing-to-withdraw', `${buyer} has ${moneyOf(deployment, free)} free`)
}

async function escrowOf(
  deployment: Deployment,
  flags: WithdrawFlags & { amount: bigint | 'all' },
  key: Key | null,
): Promise<Write> {
  const to = flags.to ?? key?.address
  if (to === undefined) throw new CliError('cli.bad-argument', 'without a key --to has to say who is paid')
  const amount = await amountOf(deployment, flags.amount, key?.address ?? null)
  return {
    data: encodeFunctionData({ abi: settlementAbi, functionName: 'withdraw', args: [to, amount] }),
    what: `withdraw ${moneyOf(deployment, amount)} to ${to}`,
  }
}

/** Flags that name one thing to withdraw. @throws CliError `cli.bad-argument`. */
export function checkWithdrawFlags(flags: WithdrawFlags): void {
  if ((flags.amount === undefined) === (flags.provider === undefined)) {
    throw new CliError('cli.bad-argument', 'name either --amount (a buyer’s balance) or --provider (its earnings)')
  }
  if (flags.provider !== undefined && flags.to !== undefined) {
    throw new CliError('cli.bad-argument', 'earnings go to the provider’s payout account, --to cannot change that')
  }
}

/** Runs `tally withdraw`. */
export async function withdraw(io: Io, flags: WithdrawFlags): Promise<void> {
  checkWithdrawFlags(flags)
  const key = await keyFrom(io, flags)
  const deployment = await openDeployment(flags.rpc, flags.address)
  const { amount, provider } = flags
  const write =
    provider === undefined
      ? await escrowOf(deployment, { ...flags, amount: amount ?? 'all' }, key)
      : await claimOf(deployment, provider)
  await finishWrite(io, deployment, write, { flags, key })
}
