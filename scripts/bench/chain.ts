/**
 * One fresh chain with the settlement layer on it, driven by signed transactions and a clock of its own.
 *
 * Block times are set for every transaction, so that a run is the same on every client and machine.
 *
 * @module
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'

import { network } from 'hardhat'
import type { NetworkConnection } from 'hardhat/types/network'
import {
  type Address,
  createPublicClient,
  custom,
  type Hex,
  hexToBigInt,
  numberToHex,
  type PrivateKeyAccount,
  type PublicClient,
  type TransactionReceipt,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import { addressOf } from '#protocol/signature.ts'
import { type BlobSender, createBlobSender } from '#runtime/blob-sender.ts'
import { type CommittedBlob, GAS_PER_BLOB, signBlobTransaction } from '#runtime/blob-transaction.ts'
import { createKzg } from '#runtime/kzg.ts'

import { type Deployment, deployTallystick } from '../deploy.ts'
import type { LedgerParameters } from '../parameters/local.ts'
import { ROOT } from '../support/run.ts'
import { startAnvil } from './anvil.ts'
import { keyOf } from './random.ts'
import { readDiff, writeBatched } from './storage.ts'

/** Rules of the chain. */
export type Fork = 'osaka' | 'amsterdam'
/** Program that runs the chain. */
export type Client = 'edr' | 'anvil'

/** A mined transaction. */
export type Mined = {
  readonly gas: bigint
  /** Gas of its blobs, paid at a price of its own. */
  readonly blobGas: bigint
  readonly data: Hex
  /** Bytes of the signed transaction. */
  readonly size: number
  readonly receipt: TransactionReceipt
}

/** One word of a contract's storage. */
export type Written = { readonly address: Address; readonly slot: bigint; readonly word: Hex }

/** The chain. */
export type Chain = {
  readonly fork: Fork
  readonly client: Client
  readonly chainId: number
  readonly reader: PublicClient
  readonly deployment: Deployment
  /** Account of one actor, with ether. */
  actor(role: string, index: number): Promise<PrivateKeyAccount>
  /**
   * Sends a transaction, with blobs if there are any, and waits until it is mined.
   *
   * @param to - Null where `data` is code that creates a contract.
   * @throws Error when it reverts.
   */
  send(from: PrivateKeyAccount, to: Address | null, data: Hex, blobs?: readonly CommittedBlob[]): Promise<Mined>
  /** Lets `seconds` pass before the next transaction. */
  pass(seconds: number): void
  /** Lets `seconds` pass in each of `steps`, with the same call by nobody in particular at the end of each. */
  passCalling(
    step: { readonly seconds: number; readonly to: Address; readonly data: Hex },
    steps: number,
  ): Promise<void>
  setStorage(address: Address, slot: bigint, word: Hex): Promise<void>
  /** Sets any number of words. */
  write(words: readonly Written[]): Promise<void>
  /** Words that transactions left changed, the last value of each; anvil only. */
  written(hashes: readonly Hex[]): Promise<Written[]>
  setCode(address: Address, code: Hex): Promise<void>
  /** Runs `act` and takes everything back that it did to the chain. */
  undone<T>(act: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** What {@link openChain} needs. */
export type ChainOptions = {
  readonly fork: Fork
  readonly client: Client
  readonly seed: number
  /** Parameters that differ from the defaults. */
  readonly parameters?: Partial<LedgerParameters>
}

/** Members and threshold of the benches' committee. */
export const COMMITTEE = { members: 7, threshold: 5 } as const
/** Role of the actor that schedules and executes acts of governance. */
export const GOVERNOR = 'governor'
/** Cap of one transaction's gas, EIP-7825. */
export const MAX_TX_GAS = 2n ** 24n
// 04:00 of a day, so that no batch meets midnight
const START_TIME = 2_000_001_600
// the first touch after it moves the protocol clock by the most one touch can, however long deploying took
const DEPLOY_SECONDS = 7_200
const MAX_FEE = 100n * 10n ** 9n
/** Commitments and proofs of every bench. */
export const KZG = createKzg()
const ETHER = 10n ** 18n
const CALLER: Address = '0x00000000000000000000000000000000000ca11e'
const CALL_GAS = 1_000_000n

/** Chains opened by this process: several may run at once. */
let opened = 0

/** Starts a chain and deploys to it. */
export async function openChain({ fork, client, seed, parameters = {} }: ChainOptions): Promise<Chain> {
  const anvil = client === 'anvil' ? await startAnvil(fork, START_TIME) : undefined
  const connection =
    anvil === undefined
      ? await network.create({ network: fork, override: { initialDate: new Date(START_TIME * 1000).toISOString() } })
      : await network.create({ network: 'localhost', override: { url: anvil.url } })
  opened += 1
  const deploymentId = `local-bench-${process.pid}-${opened}`
  const close = async (): Promise<void> => {
    await connection.close()
    await anvil?.stop()
    rmSync(join(ROOT, 'deployments', deploymentId), { recursive: true, force: true })
  }
  try {
    const members = Array.from({ length: COMMITTEE.members }, (_, index) => ({
      signer: addressOf(keyOf(seed, 'member', index)),
      endpoint: `http://127.0.0.1:${9000 + index}`,
    }))
    const deployment = await deployTallystick(connection, {
      members,
      threshold: COMMITTEE.threshold,
      parameters,
      governor: addressOf(keyOf(seed, GOVERNOR, 0)),
      deploymentId,
    })
    return { ...drive(connection, deployment.chainId, seed, anvil?.url), fork, client, deployment, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** @throws Error when a transaction failed, or its client counts other blobs; not every client counts any. */
function checkMined({ status, gasUsed, blobGasUsed, transactionHash }: TransactionReceipt, blobGas: bigint): void {
  if (status !== 'success')
    throw new Error(`transaction ${transactionHash} ${gasUsed >= MAX_TX_GAS ? 'ran out of gas' : 'reverted'}`)
  if (blobGasUsed !== undefined && blobGasUsed !== blobGas)
    throw new Error(`transaction ${transactionHash} used ${blobGasUsed} blob gas, not ${blobGas}`)
}

type Driven = Omit<Chain, 'fork' | 'client' | 'deployment' | 'close'>

function drive(connection: NetworkConnection<string>, chainId: number, seed: number, url?: string): Driven {
  const request = async (method: string, ...params: readonly unknown[]): Promise<unknown> =>
    await connection.provider.request({ method, params: [...params] })
  const reader = createPublicClient({
    transport: custom({ request: ({ method, params }) => request(method, ...(params ?? [])) }, { retryCount: 0 }),
    pollingInterval: 5,
  })
  const blobSender: BlobSender = createBlobSender({
    kzg: KZG,
    request: ({ method, params }) => request(method, ...params),
  })
  const nonces = new Map<Address, number>()
  let time = START_TIME + DEPLOY_SECONDS

  const send: Chain['send'] = async (from, to, data, blobs = []) => {
    const nonce = nonces.get(from.address) ?? 0
    const fields = { chainId, nonce, data, gas: MAX_TX_GAS, maxFeePerGas: MAX_FEE, maxPriorityFeePerGas: 0n }
    const serialized =
      blobs.length === 0 || to === null
        ? await from.signTransaction({ ...fields, ...(to === null ? {} : { to }), type: 'eip1559' })
        : (await signBlobTransaction(from, { ...fields, to, maxFeePerBlobGas: MAX_FEE }, blobs)).serialized
    time += 1
    await request('evm_setNextBlockTimestamp', numberToHex(time))
    const hash =
      blobs.length === 0
        ? ((await request('eth_sendRawTransaction', serialized)) as Hex)
        : await blobSender.send(serialized, blobs)
    nonces.set(from.address, nonce + 1)
    const receipt = await reader.waitForTransactionReceipt({ hash })
    const blobGas = GAS_PER_BLOB * BigInt(blobs.length)
    checkMined(receipt, blobGas)
    return { gas: receipt.gasUsed, blobGas, data, size: (serialized.length - 2) / 2, receipt }
  }

  return {
    chainId,
    reader,
    send,
    actor: async (role, index) => {
      const account = privateKeyToAccount(keyOf(seed, role, index))
      if (!nonces.has(account.address)) {
        await request('hardhat_setBalance', account.address, numberToHex(1_000n * ETHER))
        nonces.set(account.address, 0)
      }
      return account
    },
    pass: (seconds) => {
      time += seconds
    },
    passCalling: async ({ seconds, to, data }, steps) => {
      await request('hardhat_impersonateAccount', CALLER)
      await request('hardhat_setBalance', CALLER, numberToHex(1_000n * ETHER))
      const call = { from: CALLER, to, data, gas: numberToHex(CALL_GAS) }
      for (let step = 0; step < steps; step += 1) {
        time += seconds
        await request('evm_setNextBlockTimestamp', numberToHex(time))
        await request('eth_sendTransaction', call)
      }
    },
    setStorage: async (address, slot, word) => {
      await request('hardhat_setStorageAt', address, numberToHex(slot), word)
    },
    write: async (words) => {
      if (url !== undefined) return writeBatched(url, words)
      for (const { address, slot, word } of words)
        await request('hardhat_setStorageAt', address, numberToHex(slot), word)
    },
    written: async (hashes) => {
      const last = new Map<string, Written>()
      for (const hash of hashes) {
        const tracer = { tracer: 'prestateTracer', tracerConfig: { diffMode: true } }
        const words = readDiff(await request('debug_traceTransaction', hash, tracer))
        for (const one of words) last.set(`${one.address} ${one.slot}`, one)
      }
      return [...last.values()]
    },
    setCode: async (address, code) => {
      await request('hardhat_setCode', address, code)
    },
    undone: async (act) => {
      const id = await request('evm_snapshot')
      const [wasTime, wasNonces] = [time, [...nonces]]
      try {
        return await act()
      } finally {
        await request('evm_revert', id)
        time = wasTime
        nonces.clear()
        for (const [address, nonce] of wasNonces) nonces.set(address, nonce)
      }
    },
  }
}

/** One word of a contract's storage. */
export async function storageAt(chain: Chain, address: Address, slot: bigint): Promise<bigint> {
  return hexToBigInt((await chain.reader.getStorageAt({ address, slot: numberToHex(slot) })) ?? '0x0')
}
