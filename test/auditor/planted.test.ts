/**
 * Each file of `test/planted/auditor` plants one bug into the contracts; an audit of a chain settled by them must name the
 * transaction that the bug first shows in, and nothing before it.
 *
 * `npm test` plants a few, `npm run test:audit` all of them.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect } from 'chai'
import { network } from 'hardhat'

import { audit } from '#auditor/audit.ts'
import { createChainSource } from '#auditor/chain-source.ts'
import type { AuditReport } from '#auditor/report.ts'
import type { Source } from '#auditor/source.ts'
import { Lane } from '#protocol/types.ts'
import { artifactsIn } from '#test/support/artifacts.ts'
import { contractSources, withChanged } from '#test/support/compile.ts'
import { createNetScenario } from '#test/support/net-scenario.ts'
import { playNetStory } from '#test/support/net-story.ts'
import { kzg } from '#test/support/netting.ts'
import { applyPatch, type Patch, parsePatch } from '#test/support/patch.ts'
import type { Rpc } from '#test/support/rpc.ts'
import { type Artifact, actorOf, createScenario, type Mined, type Scenario } from '#test/support/scenario.ts'
import { playStory, STORY_PARAMETERS, type Story } from '#test/support/story.ts'

const FOLDER = 'test/planted/auditor'
const USUAL = ['forced-window.patch', 'worker-signature.patch', 'thaw-covers.patch', 'net-force-window.patch']
const TIMEOUT_MS = 300_000

/** Blobs by their versioned hash. */
type Shelf = Map<string, Uint8Array>

/** A story and those of its steps that contracts without a bug revert. */
type Told = { play: (scenario: Scenario, shelf: Shelf) => Promise<Story>; refused: readonly string[] }

/** Of the batches of the usual story that settle, some groups are skipped. */
const STORIES: Readonly<Record<string, Told>> = {
  usual: {
    play: playStory,
    refused: [
      ...['bad-signature', 'foreign-worker', 'forced-by-stranger', 'attested-by-one', 'top-up-exhausted'],
      ...['open-over-maximum', 'open-unsigned', 'stop-by-stranger', 'close-early', 'withdraw-too-much'],
    ],
  },
  net: {
    play: async (scenario, shelf) => await playNetStory(scenario, createNetScenario(scenario, kzg, shelf)),
    refused: [
      ...['expired', 'by-one', 'unbalanced', 'falling', 'overdrawn', 'uncovered', 'beyond-bonds', 'nothing-recorded'],
      ...['announce-too-fast', 'announce-by-stranger', 'execute-early', 'left-out', 'execute-late', 'execute-again'],
      ...['stop-early', 'withdraw-bond-early', 'close-early', 'close-unproven-early'],
    ],
  },
}

const built = artifactsIn('artifacts')

/** Lets `play` run on contracts and audits the chain it leaves; blobs go to the shelf, and the audit finds them there. */
async function playAndAudit<played>(
  artifact: (name: string) => Artifact,
  play: (scenario: Scenario, shelf: Shelf) => Promise<played>,
  see: (source: Source) => Source = (source) => source,
): Promise<{ played: played; report: AuditReport }> {
  const { provider, close } = await network.create({ network: 'osaka' })
  const shelf: Shelf = new Map()
  try {
    const rpc: Rpc = { request: async ({ method, params }) => await provider.request({ method, params: params ?? [] }) }
    const scenario = await createScenario({ rpc, artifact, parameters: STORY_PARAMETERS })
    const played = await play(scenario, shelf)
    const readBlob: Source['blob'] = async (hash) => shelf.get(hash) ?? null
    const source = see(createChainSource({ client: scenario.client, name: 'the test chain', readBlob }))
    return { played, report: await audit({ source, address: scenario.deployment.settlement }) }
  } finally {
    await close()
  }
}

/** The build with the patch's contracts compiled anew. */
function planted(patch: Patch): (name: string) => Artifact {
  return withChanged(built, applyPatch(contractSources(), patch), fieldOf(patch, 'compile').split(' '))
}

const readPatch = (file: string): Patch => parsePatch(readFileSync(join(FOLDER, file), 'utf8'))

function fieldOf({ fields }: Patch, name: string): string {
  const value = fields.get(name)
  if (value === undefined) throw new Error(`the patch does not say its ${name}`)
  return value
}

function storyOf({ fields }: Patch): Told {
  const name = fields.get('story') ?? 'usual'
  const story = STORIES[name]
  if (story === undefined) throw new Error(`there is no story ${name}`)
  return story
}

describe('an audit of a chain settled by contracts with a bug', () => {
  const every = readdirSync(FOLDER).filter((file) => file.endsWith('.patch'))
  const files = every.filter((file) => process.env.TALLY_PLANTED === 'all' || USUAL.includes(file))

  it('has bugs that still fit the contracts', () => {
    for (const file of every)
      expect(applyPatch(contractSources(), readPatch(file))).not.to.deep.equal(contractSources())
    expect(every.length).to.be.greaterThan(14)
  })

  for (const [name, { play, refused }] of Object.entries(STORIES)) {
    it(`finds nothing where there is none, in the ${name} story`, async () => {
      const { played: story, report } = await playAndAudit(built, play)
      expect(report.discrepancies).to.deep.equal([])
      expect(report.totals.receipts).to.be.greaterThan(10)
      expect(report.invariants.every(({ ok }) => ok)).to.equal(true)
      expect([...story.steps].flatMap(([step, { succeeded }]) => (succeeded ? [] : [step]))).to.deep.equal(refused)
    }).timeout(TIMEOUT_MS)
  }

  for (const file of files) {
    const patch = readPatch(file)
    it(`names the transaction when ${fieldOf(patch, 'bug')}`, async () => {
      const { played: story, report } = await playAndAudit(planted(patch), storyOf(patch).play)
      const step = story.steps.get(fieldOf(patch, 'step'))
      const [first] = report.discrepancies
      expect(first?.tx, JSON.stringify(report.discrepancies.slice(0, 3))).to.equal(step?.hash)
      const kinds = report.discrepancies.filter(({ tx }) => tx === step?.hash).map(({ kind }) => kind)
      expect(kinds).to.include.members(fieldOf(patch, 'kinds').split(' '))
    }).timeout(TIMEOUT_MS)
  }

  describe('that shares its block with honest ones', () => {
    /** An attested, a forced and an attested batch of one deal in one block; only the forced one shows the bug. */
    async function settleTogether(scenario: Scenario): Promise<readonly Mined[]> {
      const alice = await scenario.join('alice', 10n ** 20n, ['alice 1'])
      await scenario.deposit(actorOf('bob'), 5_000_000n)
      const { deal } = await scenario.open(alice, actorOf('bob'), { terms: { streams: 3, budget: 4_000_000n } })
      await scenario.elapse(3600)
      const segments = [0, 1, 2].map((stream) => [scenario.work(deal, stream, [100])])
      const attested = (batch = segments[0] ?? []) => ({
        actor: scenario.relay,
        data: scenario.settleData(Lane.Attested, batch, scenario.attest(batch)),
      })
      const forced = { actor: alice.owner, data: scenario.settleData(Lane.Forced, segments[1] ?? [], '0x') }
      return await scenario.inOneBlock([attested(segments[0]), forced, attested(segments[2])])
    }

    it('names the one of them', async () => {
      const { played, report } = await playAndAudit(planted(readPatch('forced-window.patch')), settleTogether)
      expect(new Set(played.map(({ block }) => block)).size).to.equal(1)
      expect(new Set(report.discrepancies.map(({ tx }) => tx))).to.deep.equal(new Set([played[1]?.hash]))
    }).timeout(TIMEOUT_MS)

    it('says that it names the first of several where the node does not trace', async () => {
      const blind = (source: Source): Source => ({ ...source, trace: async () => null, overlays: async () => null })
      const { report } = await playAndAudit(planted(readPatch('forced-window.patch')), settleTogether, blind)
      expect(report.discrepancies[0]?.detail).to.include('the first of 3 transactions of this block')
    }).timeout(TIMEOUT_MS)
  })
})
