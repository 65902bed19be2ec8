/** @module */
import { expect } from 'chai'
import { zeroHash } from 'viem'

import type { AuditReport } from '#auditor/report.ts'

import { DAY, ledger, replayOn, told } from './support/ledger.ts'

const FULL = 2 ** 16

/** What is found when one more group is announced to a full queue whose oldest was announced `age` seconds ago. */
async function announceToFull(age: number): Promise<{ found: AuditReport['discrepancies']; queueFrom: number }> {
  const state = ledger()
  const clock = state.clock.value
  state.nets.queueTo = FULL
  state.nets.announced.set(0, { index: 0, hash: zeroHash, at: clock - age })
  const args = { index: FULL, id: 1, stream: 0, clock }
  const findings = await replayOn(state, { events: [told({ eventName: 'ForceAnnounced', args })] })
  return { found: findings.discrepancies(), queueFrom: state.nets.state.queueFrom }
}

describe('a full queue of announced groups', () => {
  it('gives up what nobody looked at for a week', async () => {
    const { found, queueFrom } = await announceToFull(7 * DAY)
    expect(found.map(({ kind }) => kind)).to.deep.equal(['unreadable'])
    expect(queueFrom).to.equal(1)
  })

  it('is reported when it gives up a group sooner', async () => {
    const { found } = await announceToFull(7 * DAY - 1)
    expect(found.map(({ kind }) => kind)).to.deep.equal(['unreadable', 'net-force'])
  })
})
