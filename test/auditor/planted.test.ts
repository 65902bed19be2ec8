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
import { artifactsIn } from '#test/support/artifacts.ts'
import { contractSources, withChanged } from '#test/support/compile.ts'
import { applyPatch, type Patch, parsePatch } from '#test/support/patch.ts'
import type { Rpc } from '#test/support/rpc.ts'
import { type Artifact, createScenario } from '#test/support/scenario.ts'
import { playStory, STORY_PARAMETERS, type Story } from '#test/support/story.ts'

const FOLDER = 'test/planted/auditor'
const USUAL = ['price.patch', 'worker-signature.patch', 'claim-stays.patch']
const TIMEOUT_MS = 300_000

const built = artifactsIn('artifacts')

/** Plays the story on contracts and audits the chain it leaves. */
async function playAndAudit(artifact: (name: string) => Artifact): Promise<{ story: Story; report: AuditReport }> {
  const { provider, close } = await network.create()
  try {
    const rpc: Rpc = { request: async ({ method, params }) => await provider.request({ method, params: params ?? [] }) }
    const scenario = await createScenario({ rpc, artifact, parameters: STORY_PARAMETERS })
    const story = await playStory(scenario)
    const source = createChainSource({ client: scenario.client, name: 'the test chain' })
    return { story, report: await audit({ source, address: scenario.deployment.settlement }) }
  } finally {
    await close()
  }
}

function fieldOf({ fields }: Patch, name: string): string {
  const value = fields.get(name)
  if (value === undefined) throw new Error(`the patch does not say its ${name}`)
  return value
}

describe('an audit of a chain settled by contracts with a bug', () => {
  const all = process.env.TALLY_PLANTED === 'all'
  const files = readdirSync(FOLDER).filter((file) => file.endsWith('.patch') && (all || USUAL.includes(file)))

  it('finds nothing where there is none', async () => {
    const { story, report } = await playAndAudit(built)
    expect(report.discrepancies).to.deep.equal([])
    expect(report.totals.receipts).to.be.greaterThan(10)
    expect(story.steps.get('forced-by-stranger')?.succeeded).to.equal(false)
  })

  for (const file of files) {
    const patch = parsePatch(readFileSync(join(FOLDER, file), 'utf8'))
    it(`names the transaction when ${fieldOf(patch, 'bug')}`, async () => {
      const sources = applyPatch(contractSources(), patch)
      const changed = fieldOf(patch, 'compile').split(' ')
      const { story, report } = await playAndAudit(withChanged(built, sources, changed))
      const step = story.steps.get(fieldOf(patch, 'step'))
      const [first] = report.discrepancies
      expect(first?.tx, JSON.stringify(report.discrepancies.slice(0, 3))).to.equal(step?.hash)
      const kinds = report.discrepancies.filter(({ tx }) => tx === step?.hash).map(({ kind }) => kind)
      expect(kinds).to.include.members(fieldOf(patch, 'kinds').split(' '))
    }).timeout(TIMEOUT_MS)
  }
})
