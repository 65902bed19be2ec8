/** @module */
import { expect } from 'chai'
import { type Hex, keccak256, toFunctionSelector } from 'viem'

import { encodeAttestation } from '#protocol/attestation.ts'
import { MAX_BLOBS } from '#protocol/batch.ts'
import { attestationDigest } from '#protocol/eip712.ts'
import { encodeFacts, unmoved } from '#protocol/facts.ts'
import { Lane, Mode, Outcome } from '#protocol/types.ts'
import { toBytes } from '#protocol/words.ts'

import { type BatchCase, batchCase } from './support/batch-cases.ts'
import { type Decoders, deployDecoders, MEMBER, type Settled, type SettleInput } from './support/decoders.ts'
import { type FuzzChain, startFuzzChain } from './support/fuzz-chain.ts'
import { createHistogram } from './support/histogram.ts'
import { repetition, runOf } from './support/random.ts'
import { CODE_OF_FAULT, codecVerdict, FAULTS, type Fault, type ReadBatch } from './support/verdicts.ts'

const CASES = { normal: 10_000, deep: 1_000_000 }
const CASES_PER_CALL = 500
const START_MS = 120_000
const MS_PER_CASE = 10
const CLAIMS = 1

/** What settling bytes may cost at most beyond the transaction itself: gas whatever they are, and gas a byte. */
const GAS = { base: 60_000, perByte: 160 }

const SELECTORS: Readonly<Record<string, string>> = {
  'batch.malformed': toFunctionSelector('SettlementMalformedBatch(uint256)'),
  'batch.unsupported-mode': toFunctionSelector('SettlementUnsupportedMode(uint8)'),
  'batch.unsupported-lane': toFunctionSelector('SettlementUnsupportedLane(uint8)'),
}

type Verdict = ReturnType<typeof codecVerdict>

/** What each decoder said of one case. */
type Answers = { readonly codec: Verdict; readonly packed: Hex; readonly plain: Hex; readonly settled: Settled }

const isRead = (verdict: Verdict): verdict is ReadBatch => 'batch' in verdict

/** The fault that a verdict of the probe names; verdicts over what was read name none. */
function faultOf(verdict: Hex): Fault {
  const number = BigInt(verdict)
  return number < BigInt(FAULTS.length) ? (FAULTS[Number(number)] ?? 'read') : 'read'
}

/** Authority with which a batch that can be read settles, its groups being of no deal. */
function authorityOf(verdict: Verdict, { chainId, committee }: Decoders): Uint8Array {
  if (!isRead(verdict) || verdict.batch.lane !== Lane.Attested) return new Uint8Array()
  const message = { epoch: 1, root: verdict.root, claims: CLAIMS }
  const digest = attestationDigest(message, { chainId, verifyingContract: committee })
  const signatures = [{ index: 0, signature: MEMBER.sign(digest) }]
  return toBytes(encodeAttestation({ epoch: 1, claims: CLAIMS, signatures }))
}

/** Blobs that the transaction of these bytes carries: as many as they name, if a transaction can. */
function blobsOf({ bytes }: BatchCase): number {
  const [mode, , blobs = 0] = bytes
  return mode === Mode.Blob && blobs <= MAX_BLOBS ? blobs : 0
}

/** In what the decoders differ, or null. */
function difference({ isValid, bytes }: BatchCase, { codec, packed, plain, settled }: Answers): string | null {
  if (settled.gas > GAS.base + GAS.perByte * bytes.length) return `settling takes ${settled.gas} gas`
  if (isRead(codec)) {
    const facts = keccak256(encodeFacts(codec.batch.groups.map(() => unmoved(Outcome.DealNotOpen))))
    const same = packed === codec.digest && plain === codec.digest && settled.verdict === facts
    return same ? null : `codec ${codec.digest}, packed ${packed}, plain ${plain}; facts ${facts}, ${settled.verdict}`
  }
  if (isValid) return `the codec refuses valid bytes: ${codec.code}`
  const codes = [CODE_OF_FAULT[faultOf(packed)], CODE_OF_FAULT[faultOf(plain)]]
  const same = codes.every((code) => code === codec.code) && settled.verdict === SELECTORS[codec.code]?.padEnd(66, '0')
  return same ? null : `codec ${codec.code}, packed ${packed}, plain ${plain}, settlement ${settled.verdict}`
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
      const authority = authorityOf(verdicts[index] ?? { code: '' }, decoders)
      return { bytes: one.bytes, behind: one.behind, authority, blobs: blobsOf(one) }
    })
    const [{ packed, plain }, settled] = await Promise.all([decoders.read(inputs), decoders.settle(inputs)])
    return verdicts.map((codec, index) => ({
      codec,
      packed: packed[index] ?? '0x',
      plain: plain[index] ?? '0x',
      settled: settled[index] ?? { verdict: '0x', gas: 0 },
    }))
  }

  const { seed, first, cases } = runOf(CASES)
  it(`read the same out of any bytes, ${cases} of them`, async () => {
    const histogram = createHistogram(FAULTS)
    let [valid, mostPerByte] = [0, 0]
    for (let from = first; from < first + cases; from += CASES_PER_CALL) {
      const length = Math.min(CASES_PER_CALL, first + cases - from)
      const chunk = Array.from({ length }, (_, index) => batchCase(seed, from + index))
      for (const [index, answers] of (await answersOf(chunk)).entries()) {
        const one = chunk[index]
        if (one === undefined) throw new Error('more answers than cases')
        const found = difference(one, answers)
        if (found !== null) expect.fail(`${found}\n${describeCase(one, seed)}`)
        if (one.isValid) valid += 1
        mostPerByte = Math.max(mostPerByte, (answers.settled.gas - GAS.base) / one.bytes.length)
        histogram.add(one.construction, isRead(answers.codec) ? 'read' : faultOf(answers.plain))
      }
    }
    histogram.print(`${cases} cases by how they were made and what is wrong with them, seed ${seed}`)
    console.log(`      settling takes at most ${mostPerByte.toFixed(1)} gas a byte beyond ${GAS.base}`)
    if (cases === 1) return
    expect(valid, 'valid by construction').to.be.at.least(cases / 2)
    for (const fault of FAULTS) expect(histogram.count(fault), fault).to.be.greaterThan(0)
  }).timeout(START_MS + cases * MS_PER_CASE)
})

function describeCase({ index, construction, bytes, behind }: BatchCase, seed: string): string {
  const hexed = [bytes, behind].map((part) => Buffer.from(part).toString('hex'))
  return `${construction}: 0x${hexed.join(' then ')}\n${repetition(seed, index)}`
}
