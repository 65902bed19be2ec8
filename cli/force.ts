/**
 * `tally force`: posts signed segments through the forced lane when no committee member takes them.
 *
 * @module
 */
import { type Address, encodeFunctionData, type Hex, isAddressEqual } from 'viem'

import { registryAbi, settlementAbi } from '#protocol/abi.generated.ts'
import { signCompact } from '#protocol/signature.ts'
import type { Key } from '#runtime/keystore.ts'
import { buildForceBatch, type ForceGroup, forceGroup } from '#worker/force.ts'
import { createWorkerStore, type WorkerStore } from '#worker/store.ts'

import { type Deployment, openDeployment, reasonOf } from './chain.ts'
import { CliError } from './errors.ts'
import type { Io } from './io.ts'
import { type KeyFlags, keyFrom } from './key.ts'
import { readReceiptsFile } from './receipts-file.ts'
import { finishWrite, type WriteFlags } from './transact.ts'

/** Flags of `tally force`. */
export type ForceFlags = WriteFlags &
  KeyFlags & {
    rpc: string
    address: Address
    store?: string
    worker?: number
    receipts?: string
    deal?: number
    sender?: Address
    authorityKeyFile?: string
    authorityKeyEnv?: string
  }

/** Flags that fit each other. @throws CliError `cli.bad-argument`. */
export function checkForceFlags({ store, receipts, worker }: ForceFlags): void {
  if ((store === undefined) === (receipts === undefined)) {
    throw new CliError('cli.bad-argument', 'name either --store (a worker’s) or --receipts (a JSON file)')
  }
  if (store !== undefined && worker === undefined) {
    throw new CliError('cli.bad-argument', 'with --store, --worker has to say the worker’s index in the registry')
  }
}

async function cursorOf(deployment: Deployment, dealId: number, stream: number): Promise<number> {
  const own = { abi: settlementAbi, address: deployment.settlement } as const
  const [count] = await deployment.client.readContract({ ...own, functionName: 'stream', args: [dealId, stream] })
  return count
}

function openStore(file: string): WorkerStore {
  try {
    return createWorkerStore({ file, readOnly: true })
  } catch (error) {
    throw new CliError('cli.unreadable-file', `${file} is no worker’s store: ${reasonOf(error)}`, { cause: error })
  }
}

/** The furthest signed tally past the chain's cursor of every stream of a worker's store. */
async function groupsInStore(deployment: Deployment, file: string, worker: number): Promise<ForceGroup[]> {
  const store = openStore(file)
  try {
    const { chainId, settlement } = store.identity
    if (chainId !== deployment.chainId || !isAddressEqual(settlement, deployment.settlement)) {
      throw new CliError('cli.foreign-store', `${file} is a store of settlement ${settlement} on chain ${chainId}`)
    }
    const own = { abi: settlementAbi, address: deployment.settlement } as const
    const clock = await deployment.client.readContract({ ...own, functionName: 'clock' })
    const groups: ForceGroup[] = []
    for (const { dealKey, stream, dealId } of store.streams()) {
      const cursor = await cursorOf(deployment, dealId, stream)
      const group = forceGroup({ store, ref: { dealKey, stream }, cursor, worker, clock })
      if (group !== null) groups.push(group)
    }
    return groups
  } finally {
    store.close()
  }
}

/** The groups with the places of their deals, so that forcing costs less where facts stand in code. */
async function withPlaces(deployment: Deployment, groups: readonly ForceGroup[]): Promise<ForceGroup[]> {
  const own = { abi: settlementAbi, address: deployment.settlement } as const
  const read = async (id: number): Promise<number> =>
    (await deployment.client.readContract({ ...own, functionName: 'deal', args: [id] })).place
  return await Promise.all(groups.map(async (group) => ({ ...group, place: await read(group.dealId) })))
}

async function groupsOf(deployment: Deployment, flags: ForceFlags): Promise<readonly ForceGroup[]> {
  const { store, worker, receipts, deal } = flags
  const all =
    store === undefined ? await readReceiptsFile(receipts ?? '') : await groupsInStore(deployment, store, worker ?? 0)
  const wanted = deal === undefined ? all : all.filter(({ dealId }) => dealId === deal)
  if (wanted.length === 0) throw new CliError('cli.nothing-to-force', 'every signed receipt is settled already')
  return await withPlaces(deployment, wanted)
}

/** Whether the sender needs nobody's signature: it owns or operates the provider of the deal. */
async function isProviderSide(deployment: Deployment, dealId: number, sender: Address): Promise<boolean> {
  const { client, settlement, registry } = deployment
  const deal = await client.readContract({
    abi: settlementAbi,
    address: settlement,
    functionName: 'deal',
    args: [dealId],
  })
  const args = [deal.provider, sender] as const
  return await client.readContract({ abi: registryAbi, address: registry, functionName: 'isOperator', args })
}

async function authorityFor(
  io: Io,
  deployment: Deployment,
  flags: ForceFlags,
  place: { dealId: number; sender: Address },
): Promise<Key | null> {
  const { authorityKeyFile, authorityKeyEnv, passwordEnv } = flags
  const named = await keyFrom(io, {
    ...(authorityKeyFile === undefined ? {} : { keyFile: authorityKeyFile }),
    ...(authorityKeyEnv === undefined ? {} : { keyEnv: authorityKeyEnv }),
    ...(passwordEnv === undefined ? {} : { passwordEnv }),
  })
  if (named !== null || (await isProviderSide(deployment, place.dealId, place.sender))) return named
  throw new CliError(
    'cli.no-authority',
    `${place.sender} is not of deal ${place.dealId}’s provider: name the provider’s or the worker’s key with --authority-key-file`,
  )
}

/** Runs `tally force`. */
export async function force(io: Io, flags: ForceFlags): Promise<void> {
  checkForceFlags(flags)
  const key = await keyFrom(io, flags)
  const sender = flags.sender ?? key?.address
  if (sender === undefined) throw new CliError('cli.bad-argument', 'without a key --sender has to say who will send it')
  const deployment = await openDeployment(flags.rpc, flags.address)
  const groups = await groupsOf(deployment, flags)
  const dealId = groups[0]?.dealId ?? 0
  const signer = await authorityFor(io, deployment, flags, { dealId, sender })
  const domain = { chainId: deployment.chainId, verifyingContract: deployment.settlement }
  const sign = signer === null ? {} : { sign: (digest: Hex): Hex => signCompact(digest, signer.privateKey) }
  const { batch, authority, root, receipts } = buildForceBatch({ groups, domain, sender, ...sign })
  const write = {
    data: encodeFunctionData({ abi: settlementAbi, functionName: 'settle', args: [batch, authority] }),
    what: `force ${receipts} receipts of ${groups.length} streams (root ${root})`,
  }
  await finishWrite(io, deployment, write, { flags, key })
}
