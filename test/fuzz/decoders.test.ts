/** @module */
import { writeFileSync } from 'node:fs'

import { expect } from 'chai'
import { type Hex, toFunctionSelector } from 'viem'

import { type Batch, encodeBatch, MAX_BLOBS } from '#protocol/batch.ts'
import { encodeFacts, unmoved } from '#protocol/facts.ts'
import { Lane, Mode, Outcome } from '#protocol/types.ts'
import { toBytes, toHex } from '#protocol/words.ts'
import { DECODERS_RECORD, type DecodersRecord } from '#scripts/docs/decoders.ts'

import { type BatchCase, batchCase } from './support/batch-cases.ts'
import { type Decoders, deployDecoders } from './support/decoders.ts'
import { type FuzzChain, startFuzzChain } from './support/fuzz-chain.ts'
import { createHistogram } from './support/histogram.ts'
import { repetition, runOf } from './support/random.ts'
import type { Ending, SettleInput } from './support/settler.ts'
import { CODE_OF_FAULT, codecVerdict, FAULTS, type Fault, type ReadBatch } from './support/verdicts.ts'

const CASES = { normal: 5000, deep: 1_000_000 }
const CASES_PER_CALL = 500
const START_MS = 120_000
const MAX_RECEIPTS = 2 ** 16 - 1
const MS_PER_CASE = 10

/** What settling bytes may cost at most beyond the transaction itself: gas whatever they are, and gas a byte. */
const GAS = { base: 60_000, perByte: 160 }

const COMMAND = `TALLY_FUZZ_RECORD=${DECODERS_RECORD} npm run test:deep -- fuzz/decoders`

const SELECTORS: Readonly<Record<string, string>> = {
  'batch.malformed': toFunctionSelector('SettlementMalformedBatch(uint256)'),
  'batch.unsupported-mode': toFunctionSelector('SettlementUnsupportedMode(uint8)'),
  'batch.unsupported-lane': toFunctionSelector('SettlementUnsupportedLane(uint8)'),
}

type Verdict = ReturnType<typeof codecVerdict>

/** What each decoder said of one case. */
type Answers = { readonly codec: Verdict; readonly packed: Hex; readonly plain: Hex; readonly ending: Ending }

const isRead = (verdict: Verdict): verdict is ReadBatch => 'batch' in verdict

/** The fault that a verdict of the probe names; verdicts over what was read name none. */
function faultOf(verdict: Hex): Fault {
  const number = BigInt(verdict)
  return number < BigInt(FAULTS.length) ? (FAULTS[Number(number)] ?? 'read') : 'read'
}

/** Authority with which a batch that can be read settles, its groups being of no deal; attestations for some. */
function authorityOf({ index }: BatchCase, verdict: Verdict, { scenario }: Decoders): Uint8Array {
  if (!isRead(verdict) || verdict.batch.lane !== Lane.Attested || !isAttested(index)) return new Uint8Array()
  return toBytes(scenario.attestRoot(verdict.root))
}

/** Signing takes longest: of attested batches one in four is signed and shows its root, the others only that they read. */
function isAttested(index: number): boolean {
  return index % 4 === 0
}

/** Whether the settlement read the batch to its end, and found our root where it was to be attested. */
function isSettled(batch: Batch, index: number, { ok, answer }: Ending): boolean {
  if (batch.lane === Lane.Attested && !isAttested(index)) {
    return !ok && !Object.values(SELECTORS).includes(answer.slice(0, 10))
  }
  return ok && answer === encodeFacts(batch.groups.map(() => unmoved(Outcome.DealNotOpen)))
}

/** Blobs that the transaction of these bytes carries: as many as they name, if a transaction can. */
function blobsOf({ bytes }: BatchCase): number {
  const [mode, , blobs = 0] = bytes
  return mode === Mode.Blob && blobs <= MAX_BLOBS ? blobs : 0
}

/** In what the decoders differ, or null. */
function difference({ index, isValid, bytes }: BatchCase, { codec, packed, plain, ending }: Answers): string | null {
  if (ending.gasUsed > GAS.base + GAS.perByte * bytes.length) return `settling takes ${ending.gasUsed} gas`
  if (isRead(codec)) {
    const same = packed === codec.digest && plain === codec.digest && isSettled(codec.batch, index, ending)
    return same ? null : `codec ${codec.digest}, packed ${packed}, plain ${plain}, settlement ${ending.answer}`
  }
  // net batches have a codec of their own, and the settlement reads them with it
  const isNet = bytes[0] === Mode.Net
  if (isValid) return `the codec refuses valid bytes: ${codec.code}`
  const codes = [CODE_OF_FAULT[faultOf(packed)], CODE_OF_FAULT[faultOf(plain)]]
  const same =
    codes.every((code) => code === codec.code) && (isNet || ending.answer.slice(0, 10) === SELECTORS[codec.code])
  return same ? null : `codec ${codec.code}, packed ${packed}, plain ${plain}, settlement ${ending.answer}`
}

describe('three decoders of batches', () => {
  let chain: FuzzChain
  let decoders: Decoders

  before(async () => {
    chain = await startFuzzChain()
    decoders = await deployDecoders(chain)
  })

  after(async () => await chain.end())

  async function answersOf(cases: readonly BatchCase[]): Promise<Answers[]> {
    const verdicts = cases.map(({ bytes }) => codecVerdict(bytes))
    const inputs = cases.map((one, index): SettleInput => {
      const authority = authorityOf(one, verdicts[index] ?? { code: '' }, decoders)
      return { bytes: one.bytes, behind: one.behind, authority, blobs: blobsOf(one) }
    })
    const [{ packed, plain }, endings] = await Promise.all([decoders.read(inputs), decoders.settle(inputs)])
    return verdicts.map((codec, index) => ({
      codec,
      packed: packed[index] ?? '0x',
      plain: plain[index] ?? '0x',
      ending: endings[index] ?? { ok: false, gasUsed: 0n, answer: '0x' },
    }))
  }

  it('read the longest group there can be, and refuse it one byte shorter or longer', async () => {
    const whole = longestGroup()
    const cases = [whole, whole.subarray(0, -1), Uint8Array.from([...whole, 0])].map((bytes, index): BatchCase => {
      const isValid = index === 0
      return { index, construction: 'the longest group', isValid, bytes, behind: whole.subarray(-1) }
    })
    for (const [index, answers] of (await answersOf(cases)).entries()) {
      const one = cases[index]
      if (one === undefined) throw new Error('more answers than cases')
      expect(difference(one, answers), `case ${index}`).to.equal(null)
      expect(isRead(answers.codec)).to.equal(one.isValid)
    }
  }).timeout(START_MS)

  const { seed, first, cases } = runOf(CASES)
  it('read the same out of any bytes', async () => {
    const histogram = createHistogram(FAULTS)
    const startedMs = performance.now()
    let [valid, mostPerByte] = [0, 0]

    const judge = (one: BatchCase | undefined, answers: Answers): void => {
      if (one === undefined) throw new Error('more answers than cases')
      const found = difference(one, answers)
      if (found !== null) expect.fail(`${found}\n${describeCase(one, seed)}`)
      if (one.isValid) valid += 1
      mostPerByte = Math.max(mostPerByte, (Number(answers.ending.gasUsed) - GAS.base) / one.bytes.length)
      histogram.add(one.construction, isRead(answers.codec) ? 'read' : faultOf(answers.plain))
    }

    // the next cases are made while the chain reads these
    let judged = Promise.resolve()
    for (let from = first; from < first + cases; from += CASES_PER_CALL) {
      const length = Math.min(CASES_PER_CALL, first + cases - from)
      const chunk = Array.from({ length }, (_, index) => batchCase(seed, from + index))
      const asked = answersOf(chunk)
      asked.catch(() => {}) // awaited below, unless an earlier case has failed
      await judged
      judged = asked.then((all) => {
        for (const [index, answers] of all.entries()) judge(chunk[index], answers)
      })
      judged.catch(() => {})
    }
    await judged
    histogram.print(`${cases} cases by how they were made and what is wrong with them, seed ${seed}`)
    console.log(`      settling takes at most ${mostPerByte.toFixed(1)} gas a byte beyond ${GAS.base}`)
    const seconds = Math.round((performance.now() - startedMs) / 1000)
    const gasPerByte = Number(mostPerByte.toFixed(1))
    keep({ seed, cases, seconds, valid, gasPerByte, constructions: histogram.counts() })
    if (cases === 1) return
    expect(valid, 'valid by construction').to.be.at.least(cases / 2)
    for (const fault of FAULTS) expect(histogram.count(fault), fault).to.be.greaterThan(0)
  }).timeout(START_MS + cases * MS_PER_CASE)
})

/** Writes the run down where the environment asks for it. */
function keep(result: Omit<DecodersRecord, 'command' | 'gasBase'>): void {
  const path = process.env.TALLY_FUZZ_RECORD
  if (path === undefined) return
  const record: DecodersRecord = { command: COMMAND, gasBase: GAS.base, ...result }
  writeFileSync(path, `${JSON.stringify(record, null, 2)}\n`)
}

/** One group with as many receipts as a group can have. */
function longestGroup(): Uint8Array {
  const receipt = { units: 2n ** 24n - 1n, workHash: toHex(new Uint8Array(32).fill(0xc1)) }
  const group = {
    ...{ dealId: 7, stream: 61, worker: 2 ** 40 - 1, first: 2 ** 24 - 1 - MAX_RECEIPTS, units: 2n ** 40n - 1n },
    signature: toHex(new Uint8Array(64).fill(0xff)),
    receipts: Array.from({ length: MAX_RECEIPTS }, () => receipt),
  }
  return toBytes(encodeBatch({ mode: Mode.Calldata, lane: Lane.Attested, groups: [group] }))
}

function describeCase({ index, construction, bytes, behind }: BatchCase, seed: string): string {
  const hexed = [bytes, behind].map((part) => Buffer.from(part).toString('hex'))
  return `${construction}: 0x${hexed.join(' then ')}\n${repetition(seed, index)}`
}
