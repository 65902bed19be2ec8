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
import { bumpedFees } from '../domain/fees.ts'
import { OracleError } from '../errors.ts'
import type {
  Attempt,
  Call,
  Chain,
  Clock,
  FaultPoints,
  GasKey,
  Inclusion,
  Purpose,
  Store,
  StoredBatch,
  StoredTransaction,
} from '../ports.ts'

/** Sends for one gas key. */
export type Submitter = {
  /** Follows what was sent and sends what is ready. @throws OracleError `submit.foreign-nonce` once it has halted. */
  step(): Promise<void>
  /** Queues a call that is not a batch; dropped if it would revert when its turn comes. */
  enqueue(call: Call & { readonly label: string }): void
  /** Why nothing is sent any more; null while all is well. */
  halted(): string | null
}

/** When to try again and what to pay. */
export type SubmitPolicy = {
  /** Blocks above a transaction's own after which it counts as final. */
  readonly finalDepth: number
  /** Time without inclusion after which the fee is raised, milliseconds. */
  readonly bumpAfterMs: number
  /** Time between broadcasts of the same bytes, milliseconds. */
  readonly rebroadcastMs: number
  /** Most to offer, wei per gas. */
  readonly maxFeePerGas: bigint
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
  readonly chain: Pick<
    Chain,
    'inclusion' | 'block' | 'broadcast' | 'fees' | 'simulate' | 'outcomes' | 'transactionCount'
  >
  readonly key: GasKey
  readonly settlement: Address
  readonly clock: Clock
  readonly head: () => bigint
  readonly faults: FaultPoints
  readonly log: Logger
  readonly policy: SubmitPolicy
  readonly onMined: () => Promise<void>
  readonly onFailed: (groups: readonly Hex[]) => void
  readonly onEvent: (event: string) => void
}): Submitter {
  const { store, chain, key, clock, faults, log, policy } = deps
  const queue: (Call & { label: string })[] = []
  const broadcastAt = new Map<Hex, number>()
  const sightings = new Map<number, number>()
  let halt: string | null = null

  function stop(reason: string): never {
    halt = reason
    deps.onEvent('halted')
    log.fatal({ reason, gasKey: key.address }, 'submitter halted: the gas key is used by somebody else')
    throw new OracleError('submit.foreign-nonce', reason)
  }

  async function broadcast(nonce: number, attempt: Attempt): Promise<Awaited<ReturnType<Chain['broadcast']>>> {
    broadcastAt.set(attempt.hash, clock.now())
    const answer = await chain.broadcast(attempt.raw)
    faults.hit('tx.broadcast')
    deps.onEvent(`broadcast_${answer}`)
    log.debug({ nonce, hash: attempt.hash, answer }, 'broadcast')
    if (answer === 'refused') log.warn({ nonce, hash: attempt.hash }, 'the node refuses the transaction')
    return answer
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
      faults.hit('tx.mined')
      store.transactions.setState(nonce, state, { number: found.blockNumber, hash: found.blockHash })
      deps.onEvent(state)
      log.info({ nonce, ...purpose, hash: found.hash, block: found.blockNumber.toString() }, `transaction ${state}`)
      await onInclusion(purpose, found)
    }
    if (deps.head() - found.blockNumber < BigInt(policy.finalDepth)) return
    store.transactions.setState(nonce, 'final', { number: found.blockNumber, hash: found.blockHash })
    for (const { hash } of transaction.attempts) broadcastAt.delete(hash)
    deps.onEvent('final')
  }

  function fail(id: number, reason: string): void {
    store.batches.fail(id, reason)
    deps.onFailed(store.batches.get(id)?.groups ?? [])
  }

  async function onInclusion(purpose: Purpose, { success, hash }: Inclusion & { hash: Hex }): Promise<void> {
    await deps.onMined()
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
    if (!(await isForeign(nonce))) await sendAgain(transaction)
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

  async function sendAgain(transaction: StoredTransaction): Promise<void> {
    const last = transaction.attempts.at(-1)
    const now = clock.now()
    if (last === undefined || now - (broadcastAt.get(last.hash) ?? 0) < policy.rebroadcastMs) return
    const answer = await broadcast(transaction.nonce, last)
    if (answer === 'underpriced' || now - last.createdAtMs >= policy.bumpAfterMs) await bump(transaction, last)
  }

  /** Signs the same calldata at the same nonce for a higher fee. */
  async function bump(transaction: StoredTransaction, last: Attempt): Promise<void> {
    const { nonce, to, data, gas } = transaction
    const fees = bumpedFees(last, await chain.fees(), policy.maxFeePerGas)
    if (fees === null) {
      log.warn({ nonce, ceiling: policy.maxFeePerGas.toString() }, 'fee ceiling reached: waiting')
      return
    }
    const signed = await key.sign({ nonce, to, data, gas, ...fees })
    const attempt = { ...fees, ...signed, createdAtMs: clock.now() }
    store.transactions.addAttempt(nonce, attempt)
    deps.onEvent('bumped')
    await broadcast(nonce, attempt)
  }

  async function nextNonce(): Promise<number> {
    const highest = store.transactions.highestNonce()
    const used = await chain.transactionCount(key.address)
    if (highest === null) return used
    if (used > highest + 1) stop(`the chain counts ${used} transactions, this node signed ${highest + 1}`)
    return highest + 1
  }

  async function send(purpose: Purpose, call: Call, gas: bigint): Promise<void> {
    const { to, data } = call
    const fees = await chain.fees()
    const nonce = await nextNonce()
    const signed = await key.sign({ nonce, to, data, gas, ...fees })
    faults.hit('tx.signed')
    const attempt = { ...fees, ...signed, createdAtMs: clock.now() }
    store.transactions.insert({ nonce, purpose, to, data, gas }, attempt)
    faults.hit('tx.committed')
    log.info({ nonce, ...purpose, hash: attempt.hash }, 'transaction signed')
    await broadcast(nonce, attempt)
  }

  /** Gas to allow: what it takes now and a fifth, as streams may have moved a little until it is mined. */
  function allowance(estimate: bigint): bigint {
    const limit = (estimate * 6n) / 5n + 20_000n
    return limit < BigInt(policy.maxGas) ? limit : BigInt(policy.maxGas)
  }

  async function sendBatch({ id, data, groups }: StoredBatch): Promise<void> {
    const call = { to: deps.settlement, data }
    const simulation = await chain.simulate({ from: key.address, ...call })
    if (!simulation.success) {
      log.warn({ batch: id, reason: simulation.reason }, 'batch would revert: its groups return to the pool')
      fail(id, simulation.reason)
      deps.onEvent('would_revert')
      return
    }
    const outcomes = chain.outcomes(simulation.answer)
    // the buyer's side changed its key since: the group goes through the attested lane from now on
    store.messages.dropAcknowledgements(groups.filter((_, index) => outcomes[index] === Outcome.BadAcknowledgement))
    if (outcomes.some((outcome) => outcome <= Outcome.Clamped))
      return send({ kind: 'batch', batchId: id }, call, allowance(simulation.gas))
    await deps.onMined()
    fail(id, 'nothing left to settle')
    deps.onEvent('stale')
  }

  function isUnderWay(label: string): boolean {
    return store.transactions
      .open()
      .some(({ purpose, state }) => purpose.kind === 'upkeep' && purpose.label === label && state === 'sent')
  }

  async function sendQueued(): Promise<void> {
    for (let call = queue.shift(); call !== undefined; call = queue.shift()) {
      // until it is mined, the chain still says that it would succeed
      if (isUnderWay(call.label)) continue
      const simulation = await chain.simulate({ from: key.address, to: call.to, data: call.data })
      if (simulation.success) await send({ kind: 'upkeep', label: call.label }, call, allowance(simulation.gas))
      else log.debug({ label: call.label, reason: simulation.reason }, 'upkeep not needed')
    }
  }

  return {
    async step() {
      if (halt !== null) throw new OracleError('submit.foreign-nonce', halt)
      for (const transaction of store.transactions.open()) {
        const found = await inclusionOf(transaction)
        if (found === null) await missing(transaction)
        else await included(transaction, found)
      }
      for (const batch of store.batches.ready()) {
        if (store.transactions.open().filter(({ state }) => state === 'sent').length >= policy.maxOpen) return
        await sendBatch(batch)
      }
      await sendQueued()
    },
    enqueue(call) {
      if (!queue.some(({ label }) => label === call.label)) queue.push(call)
    },
    halted: () => halt,
  }
}
