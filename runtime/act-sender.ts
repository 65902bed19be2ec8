/**
 * Sends what a node decided to do, once: asks the chain first, keeps the signed bytes, sends them until they are in a
 * block, and sends them again where a re-organisation took them out.
 *
 * @module
 */
import { type Address, BaseError, type Hex, keccak256, type PublicClient } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { ActStore, StoredAct } from './act-store.ts'
import type { Key } from './keystore.ts'
import type { Logger } from './log.ts'

/** One call, by a name that is the same after a restart. */
export type Act = { readonly name: string; readonly to: Address; readonly data: Hex }

type Sent = Pick<StoredAct, 'name' | 'hash' | 'raw'>

/** What became of an act: done for good, on its way, or refused for now. */
export type ActState = 'done' | 'sent' | 'refused'

/** Sends acts. */
export type Sender = {
  readonly address: Address
  /** Does it unless it was done. */
  act(act: Act): Promise<ActState>
  /**
   * Does it although it was done: for what the chain shows to be undone, as after a deep re-organisation. While it is on
   * its way it is not done twice.
   */
  insist(act: Act): Promise<ActState>
  /** Whether the chain would do it now, or it was done; what it refuses is not asked again for a while. */
  isPossible(act: Act): Promise<boolean>
  /** Looks after what was sent. */
  step(): Promise<void>
}

const RETRY_MS = 30_000
/** Gas on top of what was estimated, in percent: others may come first. */
const MARGIN_PERCENT = 130n

/**
 * Creates the sender of one key. Other senders of this process may use the key, too: what one of their transactions took
 * the nonce of is sent anew.
 *
 * @param options - `maxGas`: most gas of one transaction; `confirmations`: blocks after which it is done; `dryRun` asks the
 *   chain and sends nothing; `retryMs`: pause before something the chain refused is tried again, default 30 s.
 */
export function createSender(options: {
  readonly client: PublicClient
  readonly store: ActStore
  readonly key: Key
  readonly chainId: number
  readonly maxGas: bigint
  readonly confirmations: number
  readonly dryRun: boolean
  readonly retryMs?: number
  readonly log: Logger
  readonly nowMs: () => number
}): Sender {
  const { client, store, key, log, nowMs, retryMs = RETRY_MS } = options
  const account = privateKeyToAccount(key.privateKey)
  const tried = new Map<string, number>()

  async function estimate({ name, to, data }: Act): Promise<bigint | null> {
    try {
      const gas = ((await client.estimateGas({ account: key.address, to, data })) * MARGIN_PERCENT) / 100n
      return gas > options.maxGas ? options.maxGas : gas
    } catch (error) {
      log.info({ act: name, reason: reasonOf(error) }, 'the chain would refuse it now')
      tried.set(name, nowMs() + retryMs)
      return null
    }
  }

  /** The first that nothing has: behind what is under way, or where a re-organisation took a transaction out. */
  async function nextNonce(): Promise<number> {
    const taken = new Set(store.open().map(({ nonce }) => nonce))
    let nonce = await client.getTransactionCount({ address: key.address, blockTag: 'pending' })
    while (taken.has(nonce)) nonce += 1
    return nonce
  }

  async function send(act: Act, gas: bigint): Promise<void> {
    const { maxFeePerGas, maxPriorityFeePerGas } = await client.estimateFeesPerGas()
    const nonce = await nextNonce()
    const { to, data } = act
    const fields = { type: 'eip1559', chainId: options.chainId, nonce, to, data, gas } as const
    const raw = await account.signTransaction({ ...fields, maxFeePerGas: maxFeePerGas * 2n, maxPriorityFeePerGas })
    store.sending({ name: act.name, nonce, raw, hash: keccak256(raw) })
    await broadcast(raw)
    log.info({ act: act.name, transaction: keccak256(raw), gas: gas.toString() }, 'sent')
  }

  async function broadcast(raw: Hex): Promise<void> {
    await client.sendRawTransaction({ serializedTransaction: raw }).catch((error: unknown) => {
      // a node that has it says so; what is lost is sent again with the next step
      log.debug({ reason: reasonOf(error) }, 'the node did not take it')
    })
  }

  const receiptOf = async (hash: Hex) => await client.getTransactionReceipt({ hash }).catch(() => null)

  /** Sends the same bytes again, unless their nonce is used: then they never get into a block, and others have to. */
  async function resend(name: string, raw: Hex, hash: Hex): Promise<void> {
    const used = await client.getTransactionCount({ address: key.address })
    const isOvertaken = used > (store.act(name)?.nonce ?? used) && (await receiptOf(hash)) === null
    if (!isOvertaken) return await broadcast(raw)
    log.warn({ act: name, transaction: hash }, 'another transaction took its nonce')
    store.finished(name, 'failed', nowMs())
  }

  async function follow({ name, hash, raw }: Sent, head: bigint): Promise<void> {
    const receipt = await receiptOf(hash)
    if (receipt === null) return await resend(name, raw, hash)
    if (receipt.status === 'reverted') {
      log.warn({ act: name, transaction: hash }, 'reverted')
      store.finished(name, 'failed', nowMs() + retryMs)
    } else if (head - receipt.blockNumber + 1n >= BigInt(options.confirmations)) {
      store.finished(name, 'done', 0)
      log.info({ act: name, transaction: hash, gas: receipt.gasUsed.toString() }, 'done')
    }
  }

  const isResting = (name: string): boolean => (tried.get(name) ?? store.act(name)?.retryAt ?? 0) > nowMs()

  async function act(act: Act): Promise<ActState> {
    const state = store.act(act.name)?.state
    if (state === 'done' || state === 'sent') return state
    if (isResting(act.name)) return 'refused'
    const gas = await estimate(act)
    if (gas === null) return 'refused'
    if (options.dryRun) {
      log.info({ act: act.name, gas: gas.toString() }, 'would be sent')
      tried.set(act.name, Number.POSITIVE_INFINITY)
      return 'refused'
    }
    await send(act, gas)
    return 'sent'
  }

  return {
    address: key.address,

    async isPossible(act) {
      const state = store.act(act.name)?.state
      if (state === 'done' || state === 'sent') return true
      return !isResting(act.name) && (await estimate(act)) !== null
    },

    act,
    async insist(wanted) {
      let name = wanted.name
      for (let again = 2; store.act(name)?.state === 'done'; again += 1) name = `${wanted.name} (${again})`
      return await act({ ...wanted, name })
    },

    async step() {
      const open = store.open()
      if (open.length === 0) return
      const head = await client.getBlockNumber({ cacheTime: 0 })
      for (const sent of open) await follow(sent, head)
    },
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof BaseError) return error.shortMessage.split('\n')[0] ?? error.name
  return error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : String(error)
}
