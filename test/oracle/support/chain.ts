/**
 * A chain of its own for one test file: anvil on a free port with the contracts, one provider, one buyer, one deal.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'

import {
  type Abi,
  type Address,
  createTestClient,
  type Hex,
  hexToBytes,
  http,
  keccak256,
  maxUint256,
  publicActions,
  stringToHex,
  walletActions,
  zeroAddress,
  zeroHash,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'

import { committeeAbi, demoDollarAbi, demoStakeAbi, registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { tallystickDomain, types } from '#protocol/eip712.ts'
import { Kind, Mode } from '#protocol/types.ts'

const ROOT = join(import.meta.dirname, '../../..')
/** Budgets and stakes far above anything a test settles. */
const PLENTY = 10n ** 12n
const NO_PERMIT = { deadline: 0n, v: 0, r: zeroHash, s: zeroHash }

/** A private key that depends on its name only. */
export function keyOf(name: string): Hex {
  return keccak256(stringToHex(`test key of ${name}`))
}

/** Account of {@link keyOf}. */
export function accountOf(name: string) {
  return privateKeyToAccount(keyOf(name))
}

/** A running chain. */
export type TestChain = Awaited<ReturnType<typeof startChain>>

/** Starts anvil on a free port, mining at once unless `blockSeconds` is given. */
export async function startChain(options: { readonly blockSeconds?: number } = {}) {
  const require = createRequire(import.meta.url)
  const platform = `@foundry-rs/anvil-${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`
  const binary = join(dirname(require.resolve(`${platform}/package.json`)), 'bin', 'anvil')
  const port = await freePort()
  const args = ['--port', `${port}`, '--silent', '--enable-tx-gas-limit']
  if (options.blockSeconds !== undefined) args.push('--block-time', `${options.blockSeconds}`)
  const child: ChildProcess = spawn(binary, args, { stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  const client = createTestClient({
    mode: 'anvil',
    chain: foundry,
    transport: http(url),
    cacheTime: 0,
    pollingInterval: 50,
  })
    .extend(publicActions)
    .extend(walletActions)
  await untilTrue(async () => (await client.getChainId().catch(() => 0)) !== 0)
  return {
    url,
    client,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** Waits until `test` is true. @throws after `timeoutMs`, naming `what`. */
export async function untilTrue(
  test: () => Promise<boolean> | boolean,
  timeoutMs = 20_000,
  what = 'this',
): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await test())) {
    if (Date.now() > end) throw new Error(`${what} did not happen within ${timeoutMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Contracts, a provider with one worker, and a buyer with money. */
export type Deployment = Awaited<ReturnType<typeof deploy>>

/** Deploys the contracts with these committee members and lets a provider and a buyer join. */
export async function deploy(
  { client }: TestChain,
  members: readonly { readonly signer: Address; readonly endpoint: string }[],
  threshold: number,
) {
  const [deployer] = await client.getAddresses()
  if (deployer === undefined) throw new Error('the chain has no account')

  async function create(path: string, args: readonly unknown[]): Promise<Address> {
    const artifact: { abi: Abi; bytecode: Hex } = JSON.parse(readFileSync(join(ROOT, 'artifacts', path), 'utf8'))
    const hash = await client.deployContract({ ...artifact, args, account: deployer as Address })
    const { contractAddress } = await client.waitForTransactionReceipt({ hash })
    if (contractAddress === null || contractAddress === undefined) throw new Error(`${path} was not deployed`)
    return contractAddress
  }
  const contract = (name: string) => `contracts/${name}.sol/${name}.json`

  const dollar = await create('contracts/demo/DemoDollar.sol/DemoDollar.json', [])
  const stake = await create('contracts/demo/DemoStake.sol/DemoStake.json', [])
  // nothing here is governed, so any address can stand for the access manager
  const registry = await create(contract('Registry'), [await create(contract('Pools'), [deployer, stake])])
  const committee = await create(contract('Committee'), [deployer, 3_600, members, threshold])
  const nets = await create(contract('Nets'), [deployer, dollar, registry, committee])
  const faults = await create(contract('Faults'), [deployer, dollar, registry, nets])
  const desk = await create(contract('Desk'), [deployer, dollar, registry, zeroAddress.replace(/0$/, '1'), faults])
  const settlement = await create(contract('Settlement'), [desk, committee, parameters, deployer, deployer])

  const send = async (request: Parameters<typeof client.writeContract>[0]) => {
    // estimated within a block's second, a call misses what touching the protocol clock will cost
    const hash = await client.writeContract({ gas: 3_000_000n, ...request })
    const receipt = await client.waitForTransactionReceipt({ hash })
    if (receipt.status !== 'success') throw new Error(`${request.functionName} reverted with ${receipt.gasUsed} gas`)
    return receipt
  }
  const as = (name: string) => ({ account: accountOf(name), chain: foundry })
  for (const name of ['provider', 'buyer', 'member 0', 'gas 0', 'gas 1', 'gas 2']) {
    await client.setBalance({ address: accountOf(name).address, value: 10n ** 20n })
  }
  for (const { address, abi, args } of [
    { address: registry, abi: registryAbi, args: [settlement, []] },
    { address: committee, abi: committeeAbi, args: [settlement] },
  ]) {
    await send({ address, abi, functionName: 'bind', args, account: deployer, chain: foundry })
  }
  const tokens = [
    { token: dollar, abi: demoDollarAbi, name: 'buyer', spender: settlement, amount: PLENTY },
    { token: stake, abi: demoStakeAbi, name: 'provider', spender: registry, amount: 10n ** 24n },
  ]
  for (const { token, abi, name, spender, amount } of tokens) {
    await send({ address: token, abi, functionName: 'mint', args: [accountOf(name).address, amount], ...as(name) })
    await send({ address: token, abi, functionName: 'approve', args: [spender, maxUint256], ...as(name) })
  }
  await send({
    address: registry,
    abi: registryAbi,
    functionName: 'join',
    args: [10n ** 24n, NO_PERMIT, accountOf('provider').address, zeroAddress, accountOf('worker').address],
    ...as('provider'),
  })
  await send({
    address: settlement,
    abi: settlementAbi,
    functionName: 'deposit',
    args: [accountOf('buyer').address, PLENTY],
    ...as('buyer'),
  })
  return { settlement, registry, committee, dollar, stake, send, as }
}

/** Lets every member bond `tokens` whole stake tokens for what it signs of netted deals. */
export async function bondMembers(
  { client }: TestChain,
  { stake, registry, send, as }: Deployment,
  members: readonly string[],
  tokens = 1_000n,
): Promise<void> {
  const owner = accountOf('provider').address
  const amount = tokens * 10n ** 18n
  for (const name of members) {
    const signer = accountOf(name).address
    await client.setBalance({ address: signer, value: 10n ** 18n })
    const named = { abi: registryAbi, functionName: 'nameBondOwner', args: [signer, owner] }
    await send({ address: registry, ...named, ...as(name) })
    await send({ address: stake, abi: demoStakeAbi, functionName: 'mint', args: [owner, amount], ...as('provider') })
    const bond = { abi: registryAbi, functionName: 'bond', args: [signer, amount, NO_PERMIT] }
    await send({ address: registry, ...bond, ...as('provider') })
  }
}

const parameters = {
  attestedWindow: 86_400,
  forcedWindow: 259_200,
  closingPeriod: 7_200,
  retention: 1_209_600,
  keyNotice: 86_400,
  coverageBps: 10_000,
  bondBps: 500,
  protocolFeeBps: 100,
  committeeFeeBps: 50,
  stakeValue: 1_000_000,
}

/** Lets the buyer take a fresh offer of the provider; returns the deal's id and key. */
export async function openDeal(
  { client }: TestChain,
  { settlement, send, as }: Deployment,
  choice: {
    program: Hex
    streams?: number
    kind?: number
    price?: bigint
    rateCap?: number
    exposure?: bigint
    budget?: bigint
    mode?: Mode
  },
): Promise<{ id: number; key: Hex }> {
  const budget = choice.budget ?? 1_000_000n
  const offer = {
    provider: accountOf('provider').address,
    nonce: 0n,
    salt: keccak256(stringToHex(`${Math.random()}`)),
    program: choice.program,
    kind: choice.kind ?? Kind.Repeatable,
    unit: stringToHex('Mfuel', { size: 32 }),
    price: choice.price ?? 10n,
    rateCap: choice.rateCap ?? 4_000_000_000,
    minBudget: 1n,
    maxBudget: budget,
    total: budget,
    buyer: zeroAddress,
    openingFee: 0n,
    maxDuration: 1_000_000,
    expiry: 4_000_000_000,
    mode: choice.mode ?? Mode.Calldata,
    maxStreams: 62,
    minExposure: 0,
    arbiter: zeroAddress,
    panel: false,
  }
  const signature = await accountOf('provider').signTypedData({
    domain: tallystickDomain({ chainId: foundry.id, verifyingContract: settlement }),
    types: { Offer: types.Offer },
    primaryType: 'Offer',
    message: offer,
  })
  const terms = {
    budget,
    exposure: Number(choice.exposure ?? 1_000_000n),
    duration: 100_000,
    streams: choice.streams ?? 2,
    orderKey: accountOf('order').address,
    ackKey: accountOf('ack').address,
    taskRoot: zeroHash,
  }
  const { blockNumber } = await send({
    address: settlement,
    abi: settlementAbi,
    functionName: 'openDeal',
    args: [offer, signature, terms],
    ...as('buyer'),
  })
  const [opened] = await client.getContractEvents({
    address: settlement,
    abi: settlementAbi,
    eventName: 'DealOpened',
    fromBlock: blockNumber,
    strict: true,
  })
  if (opened === undefined) throw new Error('no deal was opened')
  return { id: opened.args.id, key: opened.args.key }
}

/** Receipts and units a stream has on the chain. */
export async function streamOf({ client }: TestChain, settlement: Address, id: number, stream: number) {
  const [count, units] = await client.readContract({
    address: settlement,
    abi: settlementAbi,
    functionName: 'stream',
    args: [id, stream],
  })
  return { count, units: BigInt(units) }
}

/** Bytes of hex. */
export const bytesOf = hexToBytes
export { committeeAbi }
