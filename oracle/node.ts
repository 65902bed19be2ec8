/**
 * One committee member, put together: adapters, services, loops.
 *
 * @module
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { keccak256, type PublicClient, parseGwei } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

import { BLOB_BYTES } from '#protocol/kzg.ts'
import { signCompact } from '#protocol/signature.ts'
import { Mode } from '#protocol/types.ts'
import { createBlobReader } from '#runtime/blob-reader.ts'
import { signBlobTransaction } from '#runtime/blob-transaction.ts'
import { createChainClient } from '#runtime/chain-client.ts'
import { blockSource } from '#runtime/chain-follower.ts'
import { createDataStore } from '#runtime/data-store.ts'
import type { FaultPoints } from '#runtime/fault-points.ts'
import { listenHttp } from '#runtime/http.ts'
import type { Key } from '#runtime/keystore.ts'
import { createKzg } from '#runtime/kzg.ts'
import type { Logger } from '#runtime/log.ts'
import { createRecovery } from '#runtime/recovery.ts'
import type { Shutdown } from '#runtime/shutdown.ts'
import { createTaskDoer, type TaskExecutor } from '#runtime/tasks.ts'
import { createHttpServer } from './adapters/http-server.ts'
import { createMetrics } from './adapters/metrics.ts'
import { createHttpPeers } from './adapters/peers-http.ts'
import { createSqliteStore } from './adapters/sqlite-store.ts'
import { createViemChain, genesisOf } from './adapters/viem-chain.ts'
import type { OracleConfig } from './config.ts'
import { sameAddress } from './domain/checks.ts'
import type { Committee, GasKey, Store } from './ports.ts'
import { createArchive } from './services/archive.ts'
import { createAssembly } from './services/assembly.ts'
import { createAttempts } from './services/attempts.ts'
import { createAttester } from './services/attester.ts'
import { createChecker } from './services/checker.ts'
import { createDealBook } from './services/deal-book.ts'
import { createGatherer } from './services/gatherer.ts'
import { createIntake } from './services/intake.ts'
import { startLoop } from './services/loop.ts'
import { createNetAssembly } from './services/net-assembly.ts'
import { createNetBook } from './services/net-book.ts'
import { withNets } from './services/net-chain.ts'
import { createPacker } from './services/packer.ts'
import { createPromiser } from './services/promiser.ts'
import { createProposer } from './services/proposer.ts'
import { createReleaser } from './services/releaser.ts'
import { createSubmitter } from './services/submitter.ts'
import { createTracker } from './services/tracker.ts'
import { createUpkeep } from './services/upkeep.ts'

const MODES = { calldata: Mode.Calldata, blob: Mode.Blob } as const
/** How long a committee read from the chain is believed. */
const COMMITTEE_MS = 5_000
/** How often data that is old enough is removed. */
const PRUNE_EVERY_MS = 3_600_000
/** Blobs the chain names are looked for once in so many polls, each again after so many of these. */
const ARCHIVE_POLLS = 10
const ARCHIVE_RETRY = 6
/** Segments pruned in one write. */
const PRUNED_AT_ONCE = 200
/** A head not seen for this many polls makes the node unready. */
const STALE_POLLS = 20

/** What a member needs from outside its settings. */
export type OracleDeps = {
  readonly config: OracleConfig
  readonly signerKey: Key
  readonly gasKey: Key
  readonly executor: TaskExecutor
  readonly faults: FaultPoints
  readonly log: Logger
  readonly shutdown: Shutdown
}

/**
 * Starts one committee member; it ends with `shutdown`.
 *
 * @returns The address it is reached at.
 * @throws OracleError when the chain or the store cannot be used.
 */
export async function startOracle(deps: OracleDeps): Promise<{ readonly url: string; readonly port: number }> {
  const { config, log, shutdown, faults } = deps
  const client = createChainClient({ url: config.rpcUrl })
  const chainId = await client.getChainId()
  const store = await openStore(config, client, chainId)
  shutdown.onShutdown(() => store.close())

  const clock = { now: () => Date.now() }
  const data = await createDataStore({ directory: join(config.dataDir, 'data'), maxBytes: config.maxDataBytes })
  const blobData = await createDataStore({ directory: join(config.dataDir, 'blobs'), maxBytes: config.maxBlobBytes })
  const kzg = createKzg()
  const onChain = createViemChain({ client, deployment: config.contracts, startBlock: BigInt(config.fromBlock), kzg })
  const domain = { chainId, verifyingContract: config.contracts.settlement }
  const committeeDomain = { chainId, verifyingContract: config.contracts.committee }
  const signer = {
    address: deps.signerKey.address,
    sign: (digest: `0x${string}`) => signCompact(digest, deps.signerKey.privateKey),
  }
  const metrics = createMetrics(store)
  const committee = cached(() => onChain.committee(), clock.now)
  const headTime = () => Number(tracker.head()?.timestamp ?? 0n)
  const wake = { checker: () => {}, proposer: () => {}, submitter: () => {} }

  const archive = createArchive({
    ...{ kzg, clock, log },
    blobs: store.blobs,
    data: blobData,
    retryMs: ARCHIVE_RETRY * ARCHIVE_POLLS * config.chainPollMs,
    read: async (hash) => {
      const { members } = await committee()
      const others = members.filter(({ signer: one }) => !sameAddress(one, signer.address))
      const archives = others.map(({ endpoint }) => endpoint).filter((endpoint) => URL.canParse(endpoint))
      return await createBlobReader({ kzg, archives, signal: shutdown.signal }).read(hash)
    },
  })
  const book = createNetBook({ nets: store.nets, archive, log })
  const chain = withNets(onChain, book)
  const tracker = createTracker({
    ...{ store, chain, clock, log, book },
    source: blockSource(client),
    startBlock: BigInt(config.fromBlock),
    finalDepth: config.finalDepth,
    onReorganisation: metrics.reorganisation,
    onHead: ({ number }) => metrics.head(number),
  })
  const promiser = createPromiser({
    ...{ store, chain, committee, signer, domain, committeeDomain },
    policy: config.promise,
    waits: config.batch,
    isReady: () => notReady().length === 0,
  })
  const intake = createIntake({
    ...{ store, chain, data, domain, clock, headTime, faults, promiser },
    recovery: createRecovery(),
    onSegment: () => wake.checker(),
    onRefusal: metrics.refusal,
  })
  const checker = createChecker({
    ...{ store, chain, data, clock, log },
    doTask: createTaskDoer(deps.executor),
    parallel: config.concurrency,
    signal: shutdown.signal,
    onRefusal: metrics.refusal,
    onVerified: () => wake.proposer(),
  })
  const assemble = createAssembly(kzg, createNetAssembly({ kzg, chain, book, domain }))
  const attester = createAttester({
    ...{ store, chain, archive, assemble, committee, signer, domain, committeeDomain, clock, faults },
    holdMs: config.turns.holdMs,
  })
  const gatherer = createGatherer({
    ...{ attester, assemble, committeeDomain, log },
    peers: createHttpPeers({ timeoutMs: config.turns.answerMs, signal: shutdown.signal }),
  })
  const proposer = createProposer({
    ...{ store, chain, archive, assemble, committee, gatherer, signer, domain, clock, headTime, faults, log },
    batchPolicy: { ...config.batch, modes: config.batch.modes.map((name) => MODES[name]) },
    deals: createDealBook({ chain, clock }),
    turnPolicy: config.turns,
    onBatch: (carriage, verdict, receipts) => {
      metrics.batch(carriage, verdict, receipts)
      wake.submitter()
    },
  })
  const gasKey = gasKeyOf(deps.gasKey, chainId)
  const attempts = createAttempts({
    ...{ chain, archive, clock, faults, log, transactions: store.transactions, key: gasKey },
    policy: {
      bumpAfterMs: config.fees.bumpAfterMs,
      rebroadcastMs: config.fees.rebroadcastMs,
      maxFeePerGas: parseGwei(String(config.fees.maxGwei)),
      maxFeePerBlobGas: parseGwei(String(config.fees.maxBlobGwei)),
    },
    onEvent: metrics.transaction,
  })
  const submitter = createSubmitter({
    ...{ store, chain, attempts, faults, log, key: gasKey },
    settlement: config.contracts.settlement,
    head: () => tracker.head()?.number ?? 0n,
    policy: {
      finalDepth: config.finalDepth,
      maxGas: config.batch.maxGas,
      maxOpen: config.turns.maxOpenBatches,
    },
    onMined: tracker.refresh,
    onFailed: proposer.failed,
    onEvent: metrics.transaction,
  })
  const upkeep = createUpkeep({
    ...{ chain, committee, signer, submitter, headTime, book },
    blocks: store.blocks,
    slotSeconds: config.turns.slotSeconds,
    touchedAt: tracker.touchedAt,
  })

  const packer = createPacker({
    ...{ chain, committee, signer, submitter, clock, headTime },
    ...{ segments: store.segments, blocks: store.blocks },
    ...{ slotSeconds: config.turns.slotSeconds, fork: config.batch.fork },
    marginPercent: config.upkeep.packMarginPercent,
  })

  const releaser = createReleaser({
    ...{ store, chain, committee, signer, submitter, clock },
    slotSeconds: config.turns.slotSeconds,
  })

  // the binding's start holds everything up for a second or more: better now than while others wait for an answer
  await kzg.commit(new Uint8Array(BLOB_BYTES))
  await tracker.step()
  await tracker.refresh()

  const notReady = () => reasonsNotReady({ config, store, submitter, seenAtMs: tracker.seenAtMs(), now: clock.now() })
  const app = createHttpServer({
    ...{ intake, attester, store, data, archive, metrics, log, notReady },
    status: async () => ({
      ...statusOf(store),
      ...(await seatOf(committee, deps.signerKey.address)),
      member: deps.signerKey.address,
      gas: { address: deps.gasKey.address, balance: (await chain.balance(deps.gasKey.address)).toString() },
      head: headOf(tracker.head()),
      halted: submitter.halted(),
      data: data.usage(),
      blobs: store.blobs.counts(),
      ready: notReady().length === 0,
    }),
  })
  shutdown.onShutdown(() => app.close())

  const { signal } = shutdown
  const start = (name: string, intervalMs: number, step: () => Promise<void>) => {
    const loop = startLoop({ name, intervalMs, step, signal, log })
    shutdown.onShutdown(() => loop.ended)
    return loop
  }
  start('tracker', config.chainPollMs, tracker.step)
  wake.checker = start('checker', 1_000, () => drain(checker.step)).wake
  wake.proposer = start('proposer', Math.min(1_000, config.chainPollMs), async () => void (await proposer.step())).wake
  wake.submitter = start('submitter', config.chainPollMs, submitter.step).wake
  start('archive', ARCHIVE_POLLS * config.chainPollMs, archive.step)
  start('releaser', config.turns.retryMs, releaser.step)
  if (config.upkeep.enabled) {
    start('upkeep', config.upkeep.everyMs, upkeep.step)
    start('packer', config.upkeep.packEveryMs, packer.step)
  }
  start('pruning', PRUNE_EVERY_MS, async () => {
    await data.prune(config.dataKeptMs)
    await pruneSegments(store, clock.now() - config.dataKeptMs, signal)
  })

  const address = await listenHttp(app, config.http)
  log.info({ url: address.url, member: deps.signerKey.address, chainId }, 'oracle ready')
  return address
}

async function openStore(config: OracleConfig, client: PublicClient, chainId: number): Promise<Store> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  // a local chain made anew may have the same id and addresses: only its first block tells it apart
  const genesis = await genesisOf(client)
  const deployment = `${chainId}:${config.contracts.settlement}:${genesis}`
  return createSqliteStore({ file: join(config.dataDir, 'oracle.sqlite'), deployment })
}

function gasKeyOf({ address, privateKey }: Key, chainId: number): GasKey {
  const account = privateKeyToAccount(privateKey)
  return {
    address,
    async sign({ blobs, maxFeePerBlobGas, ...transaction }) {
      if (blobs.length === 0) {
        const raw = await account.signTransaction({ ...transaction, chainId, type: 'eip1559' })
        return { raw, hash: keccak256(raw) }
      }
      const fields = { ...transaction, chainId, maxFeePerBlobGas: maxFeePerBlobGas ?? 0n }
      const named = blobs.map((versionedHash) => ({ versionedHash }))
      const { serialized, hash } = await signBlobTransaction(account, fields, named)
      return { raw: serialized, hash }
    },
  }
}

function cached(read: () => Promise<Committee>, now: () => number): () => Promise<Committee> {
  let value: Committee | null = null
  let readAt = 0
  return async () => {
    if (value !== null && now() - readAt < COMMITTEE_MS) return value
    value = await read()
    readAt = now()
    return value
  }
}

/** A part at a time: a write of years of segments would keep requests waiting. */
async function pruneSegments(store: Store, receivedBeforeMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && store.segments.prune(receivedBeforeMs, PRUNED_AT_ONCE) === PRUNED_AT_ONCE) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function drain(step: () => Promise<boolean>): Promise<void> {
  while (await step());
}

function reasonsNotReady(node: {
  config: OracleConfig
  store: Store
  submitter: { halted: () => string | null }
  seenAtMs: number
  now: number
}): string[] {
  const reasons: string[] = []
  try {
    node.store.ping()
  } catch {
    reasons.push('the store does not answer')
  }
  const age = node.now - node.seenAtMs
  if (age > STALE_POLLS * node.config.chainPollMs) reasons.push(`the chain was not read for ${age} ms`)
  const halted = node.submitter.halted()
  if (halted !== null) reasons.push(halted)
  return reasons
}

function statusOf(store: Store) {
  return {
    segments: store.segments.counts(),
    batches: store.batches.counts(),
    transactions: store.transactions.counts(),
    evidence: store.evidence.count(),
  }
}

async function seatOf(committee: () => Promise<Committee>, address: Key['address']) {
  const { epoch, threshold, members } = await committee()
  const index = members.findIndex(({ signer }) => sameAddress(signer, address))
  return { committee: { epoch, threshold, members: members.length, index: index < 0 ? null : index } }
}

function headOf(head: { number: bigint; hash: string; timestamp: bigint } | null) {
  return head === null ? null : { number: Number(head.number), hash: head.hash, timestamp: Number(head.timestamp) }
}
