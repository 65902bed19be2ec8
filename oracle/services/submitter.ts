/**
 * Brings batches to the chain exactly as often as needed: signed bytes are durable before they leave, a nonce never
 * changes its calldata, and nothing counts as done before it is deep enough.
 *
 * Exactly-once is the chain's own property (a stream only moves forward); what is kept here is that nothing gets lost,
 * stuck or paid for twice without need.
 *
 * @module
 */
import type { Address, Hex } from 'viem'

import { Outcome } from '#protocol/types.ts'
import type { Logger } from '#runtime/log.ts'
import { OracleError } from '../errors.ts'
import type {
  Call,
  Chain,
  FaultPoints,
  GasKey,
  Inclusion,
  Purpose,
  Store,
  StoredBatch,
  StoredTransaction,
} from '../ports.ts'
import type { Attempts } from './attempts.ts'

/** Sends for one gas key. */
export type Submitter = {
  /** Follows what was sent and sends what is ready. @throws OracleError `submit.foreign-nonce` once it has halted. */
  step(): Promise<void>
  /** Queues a call that is not a batch; dropped if it would revert when its turn comes. */
  enqueue(call: Call & { readonly label: string }): void
  /** Why nothing is sent any more; null while all is well. */
  halted(): string | null
}

/** When something is done, and how much at once. */
export type SubmitPolicy = {
  /** Blocks above a transaction's own after which it counts as final. */
  readonly finalDepth: number
  /** Most gas of one transaction. */
  readonly maxGas: number
  /** Transactions under way at once. */
  readonly maxOpen: number
}

/** Looks at a used nonce without any of our receipts before it is believed to be somebody else's. */
const FOREIGN_SIGHTINGS = 5

/**
 * Creates the submitter.
 *
 * @param deps - `head`: newest block followed; `onMined` refreshes what the chain's state decides, before a batch's
 *   skipped groups return to the pool; `onFailed` is told the groups of a batch that could not settle, after they
 *   returned; `onEvent` counts.
 */
export function createSubmitter(deps: {
  readonly store: Pick<Store, 'batches' | 'messages' | 'transactions'>
  readonly chain: Pick<Chain, 'inclusion' | 'block' | 'simulate' | 'simulatesBlobs' | 'outcomes' | 'transactionCount'>
  readonly attempts: Attempts
  readonly key: Pick<GasKey, 'address'>
  readonly settlement: Address
  readonly head: () => bigint
  readonly faults: FaultPoints
  readonly log: Logger
  readonly policy: SubmitPolicy
  readonly onMined: () => Promise<void>
  readonly onFailed: (groups: readonly Hex[]) => void
  readonly onEvent: (event: string) => void
}): Submitter {
  const { store, chain, key, attempts, faults, log, policy } = deps
  const queue: (Call & { label: string })[] = []
  const sightings = new Map<number, number>()
  let halt: string | null = null

  function stop(reason: string): never {
    halt = reason
    deps.onEvent('halted')
    log.fatal({ reason, gasKey: key.address }, 'submitter halted: the gas key is used by somebody else')
    throw new OracleError('submit.foreign-nonce', reason)
  }

  /** The block that includes one of a nonce's attempts, if it is canonical. */
  async function inclusionOf({ attempts }: StoredTransaction): Promise<(Inclusion & { hash: Hex }) | null> {
    for (const { hash } of attempts.toReversed()) {
      const found = await chain.inclusion(hash)
      if (found === null) continue
      const block = await chain.block(found.blockNumber)
      if (block?.hash === found.blockHash) return { ...found, hash }
    }
    return null
  }

  async function included(transaction: StoredTransaction, found: Inclusion & { hash: Hex }): Promise<void> {
    const { nonce, purpose } = transaction
    const state = found.success ? 'mined' : 'reverted'
    if (transaction.state !== state || transaction.blockHash !== found.blockHash) {
      await deps.onMined()
      // taken back in between, the chain's state would say that it skipped everything
      if ((await inclusionOf(transaction))?.blockHash !== found.blockHash) return
      faults.hit('tx.mined')
      store.transactions.setState(nonce, state, { number: found.blockNumber, hash: found.blockHash })
      deps.onEvent(state)
      log.info({ nonce, ...purpose, hash: found.hash, block: found.blockNumber.toString() }, `transaction ${state}`)
      onInclusion(purpose, found)
    }
    if (deps.head() - found.blockNumber < BigInt(policy.finalDepth)) return
    store.transactions.setState(nonce, 'final', { number: found.blockNumber, hash: found.blockHash })
    attempts.forget(transaction)
    deps.onEvent('final')
  }

  function fail(id: number, reason: string): void {
    store.batches.fail(id, reason)
    deps.onFailed(store.batches.get(id)?.groups ?? [])
  }

  function onInclusion(purpose: Purpose, { success, hash }: Inclusion & { hash: Hex }): void {
    if (purpose.kind !== 'batch') return
    if (success) store.batches.settled(purpose.batchId)
    else fail(purpose.batchId, `reverted in ${hash}`)
  }

  async function missing(transaction: StoredTransaction): Promise<void> {
    const { nonce, purpose, state } = transaction
    if (state !== 'sent') {
      store.transactions.setState(nonce, 'sent', null)
      // a failed batch's groups are in other batches by now; this nonce only has to be used up
      if (purpose.kind === 'batch' && state === 'mined') store.batches.sent(purpose.batchId)
      deps.onEvent('reorganised')
      log.warn({ nonce, ...purpose }, 'a re-organisation took the transaction back')
    }
    if (!(await isForeign(nonce))) await attempts.again(transaction)
  }

  /** Whether the chain has a transaction at this nonce that is none of ours; halts when it stays so. */
  async function isForeign(nonce: number): Promise<boolean> {
    if ((await chain.transactionCount(key.address)) <= nonce) {
      sightings.delete(nonce)
      return false
    }
    const seen = (sightings.get(nonce) ?? 0) + 1
    sightings.set(nonce, seen)
    if (seen >= FOREIGN_SIGHTINGS) stop(`nonce ${nonce} was used by a transaction this node never signed`)
    return true
  }

  async function nextNonce(): Promise<number> {
    const highest = store.transactions.highestNonce()
    const used = await chain.transactionCount(key.address)
    if (highest === null) return used
    if (used > highest + 1) stop(`the chain counts ${used} transactions, this node signed ${highest + 1}`)
    return highest + 1
  }

  /** Gas to allow: what it takes now and a fifth, as streams may have moved a little until it is mined. */
  function allowance(estimate: bigint): bigint {
    const limit = (estimate * 6n) / 5n + 20_000n
    return limit < BigInt(policy.maxGas) ? limit : BigInt(policy.maxGas)
  }

  /** Gas to allow for a batch; null, and the batch has failed, where sending it would be of no use. */
  async function gasFor({ id, data, groups, blobs, mostGas }: StoredBatch): Promise<bigint | null> {
    const giveUp = (event: string, reason: string) => {
      fail(id, reason)
      deps.onEvent(event)
      return null
    }
    if (!(await attempts.hasBlobs(blobs))) return giveUp('blobs_missing', 'its blobs are not here')
    // not every node can try out what depends on blobs: the bound the batch was planned with holds anyway
    if (blobs.length > 0 && !(await chain.simulatesBlobs())) return allowance(BigInt(mostGas))
    const simulation = await chain.simulate({ from: key.address, to: deps.settlement, data, blobs })
    if (!simulation.success) {
      log.warn({ batch: id, reason: simulation.reason }, 'batch would revert: its groups return to the pool')
      return giveUp('would_revert', simulation.reason)
    }
    const outcomes = chain.outcomes(simulation.answer)
    // the buyer's side changed its key since: the group goes through the attested lane from now on
    store.messages.dropAcknowledgements(groups.filter((_, index) => outcomes[index] === Outcome.BadAcknowledgement))
    // a net batch tells of no group: it settles whole or reverts
    if (outcomes.length === 0 || outcomes.some((outcome) => outcome <= Outcome.Clamped))
      return allowance(simulation.gas)
    await deps.onMined()
    return giveUp('stale', 'nothing left to settle')
  }

  async function sendBatch(batch: StoredBatch): Promise<void> {
    const gas = await gasFor(batch)
    if (gas === null) return
    const { id, data, blobs } = batch
    const purpose = { kind: 'batch', batchId: id } as const
    await attempts.first({ nonce: await nextNonce(), purpose, to: deps.settlement, data, gas, blobs })
  }

  function isUnderWay(label: string): boolean {
    return store.transactions
      .open()
      .some(({ purpose, state }) => purpose.kind === 'upkeep' && purpose.label === label && state === 'sent')
  }

  async function sendQueued(): Promise<void> {
    for (let call = queue.shift(); call !== undefined; call = queue.shift()) {
      const { to, data, label } = call
      // until it is mined, the chain still says that it would succeed
      if (isUnderWay(label)) continue
      const simulation = await chain.simulate({ from: key.address, to, data })
      if (!simulation.success) {
        log.debug({ label, reason: simulation.reason }, 'upkeep not needed')
        continue
      }
      const gas = allowance(simulation.gas)
      await attempts.first({ nonce: await nextNonce(), purpose: { kind: 'upkeep', label }, to, data, gas, blobs: [] })
    }
  }

  /**
   * Nodes keep blob transactions in a pool of their own and take an account's into one pool at a time: what carries blobs
   * waits until what carries none is mined, and the other way round.
   */
  function mayJoin(blobs: number, underWay: readonly StoredTransaction[]): boolean {
    return underWay.every((transaction) => transaction.blobs.length > 0 === blobs > 0)
  }

  async function sendReady(): Promise<void> {
    for (const batch of store.batches.ready()) {
      const sent = underWay()
      const isHeldForChores = batch.blobs.length > 0 && queue.length > 0
      if (sent.length >= policy.maxOpen || isHeldForChores || !mayJoin(batch.blobs.length, sent)) return
      await sendBatch(batch)
    }
  }

  const underWay = () => store.transactions.open().filter(({ state }) => state === 'sent')

  return {
    async step() {
      if (halt !== null) throw new OracleError('submit.foreign-nonce', halt)
      for (const transaction of store.transactions.open()) {
        const found = await inclusionOf(transaction)
        if (found === null) await missing(transaction)
        else await included(transaction, found)
      }
      if (mayJoin(0, underWay())) await sendQueued()
      await sendReady()
    },
    enqueue(call) {
      if (!queue.some(({ label }) => label === call.label)) queue.push(call)
    },
    halted: () => halt,
  }
}
