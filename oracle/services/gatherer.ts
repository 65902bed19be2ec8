/**
 * Gathers the committee's signatures over a batch, leaving out what too many members refuse.
 *
 * @module
 */
import type { Hex } from 'viem'

import { encodeAttestation } from '#protocol/attestation.ts'
import { encodeBatch, type Group } from '#protocol/batch.ts'
import { attestationDigest, type Domain } from '#protocol/eip712.ts'
import { recoverCompact } from '#protocol/signature.ts'
import { Lane, Mode } from '#protocol/types.ts'
import type { Logger } from '#runtime/log.ts'
import { sameAddress } from '../domain/checks.ts'
import { type Answer, groupsToDrop, quorum } from '../domain/quorum.ts'
import type { Committee, Member, Peers, StoredSegment } from '../ports.ts'
import { type Attester, rootOf } from './attester.ts'

/** This member's place in the committee. */
export type Seat = { readonly index: number; readonly committee: Committee }

/** A group to attest, with the segment it was made of. */
export type ProposedGroup = { readonly stored: StoredSegment; readonly group: Group }

/** What became of a proposal: the attested batch, if any, and why each other group was left out. */
export type Gathered = {
  readonly attestation: {
    readonly bytes: Hex
    readonly authority: Hex
    readonly root: Hex
    readonly groups: readonly ProposedGroup[]
  } | null
  readonly left: ReadonlyMap<Hex, string>
}

/** Gathers signatures. */
export type Gatherer = {
  /** Proposes `groups`, which are in chain order, until enough members sign or nothing is left. */
  gather(seat: Seat, groups: readonly ProposedGroup[], claims: number): Promise<Gathered>
}

/** Times a batch is proposed again without the groups that were refused. */
const ROUNDS = 4

type Proposal = { readonly digest: Hex; readonly epoch: number; readonly batch: Hex; readonly claims: number }

/** Creates the gatherer. */
export function createGatherer(deps: {
  readonly attester: Pick<Attester, 'conflicts' | 'sign'>
  readonly peers: Peers
  readonly committeeDomain: Domain
  readonly log: Logger
}): Gatherer {
  const { attester, peers, log } = deps

  async function askOne(member: Member, index: number, { digest, epoch, batch, claims }: Proposal): Promise<Answer> {
    const answer = await peers.propose(member.endpoint, { batch, claims })
    if (answer.kind === 'silent') return { kind: 'silent', member: index, reason: answer.reason }
    if (answer.kind === 'refused') return { kind: 'refused', member: index, groups: answer.groups }
    const signer = recoverCompact(digest, answer.signature)
    return answer.epoch === epoch && sameAddress(signer, member.signer)
      ? { kind: 'signed', member: index, signature: answer.signature }
      : { kind: 'silent', member: index, reason: 'the signature is not over what was proposed' }
  }

  /** Asks all other members at once; stops waiting as soon as there are signatures enough. */
  function ask({ index: own, committee }: Seat, proposal: Proposal): Promise<Answer[]> {
    const others = committee.members.map((member, index) => ({ member, index })).filter(({ index }) => index !== own)
    const answers: Answer[] = []
    return new Promise((resolve) => {
      const isDone = () => answers.length === others.length || signaturesIn(answers) + 1 >= committee.threshold
      if (isDone()) resolve(answers)
      for (const { member, index } of others) {
        void askOne(member, index, proposal).then((answer) => {
          answers.push(answer)
          // a copy: late answers must not change what is being decided on
          if (isDone()) resolve([...answers])
        })
      }
    })
  }

  /** One round: an attestation, or the groups to leave out (none if members are silent). */
  async function round(seat: Seat, groups: readonly ProposedGroup[], claims: number) {
    const stored = groups.map((group) => group.stored)
    const bytes = encodeBatch({
      mode: Mode.Calldata,
      lane: Lane.Attested,
      groups: groups.map(({ group }) => group),
    })
    const root = rootOf(stored)
    const { epoch, threshold } = seat.committee
    const digest = attestationDigest({ epoch, root, claims }, deps.committeeDomain)
    const answers = await ask(seat, { digest, epoch, batch: bytes, claims })
    if (signaturesIn(answers) + 1 >= threshold) {
      // own signature last: until then the groups stay free for the next leader
      const signature = attester.sign(epoch, stored, claims)
      const signatures = quorum([...answers, { kind: 'signed', member: seat.index, signature }], threshold)
      const authority = encodeAttestation({ epoch, claims, signatures: signatures ?? [] })
      return { attestation: { bytes, authority, root, groups }, dropped: new Map<number, string>() }
    }
    const own: Answer = { kind: 'signed', member: seat.index, signature: '0x' }
    const dropped = groupsToDrop([...answers, own], groups.length, threshold)
    log.info({ root, silent: silentIn(answers), dropped: [...dropped] }, 'proposal not signed by enough members')
    return { attestation: null, dropped }
  }

  return {
    async gather(seat, all, claims) {
      const left = new Map<Hex, string>()
      const without = (groups: readonly ProposedGroup[], reasonOf: (index: number) => string | null) =>
        groups.filter(({ stored }, index) => {
          const reason = reasonOf(index)
          if (reason !== null) left.set(stored.tallyHash, reason)
          return reason === null
        })
      const own = attester.conflicts(
        all.map(({ stored }) => stored),
        claims,
      )
      let groups = without(all, (index) => own[index] ?? null)
      for (let tries = 0; tries < ROUNDS && groups.length > 0; tries++) {
        const { attestation, dropped } = await round(seat, groups, claims)
        if (attestation !== null) return { attestation, left }
        if (dropped.size === 0) break
        groups = without(groups, (index) => dropped.get(index) ?? null)
      }
      for (const { stored } of groups) left.set(stored.tallyHash, 'committee.silent')
      return { attestation: null, left }
    },
  }
}

function signaturesIn(answers: readonly Answer[]): number {
  return answers.filter(({ kind }) => kind === 'signed').length
}

function silentIn(answers: readonly Answer[]) {
  return answers.flatMap((answer) =>
    answer.kind === 'silent' ? [{ member: answer.member, reason: answer.reason }] : [],
  )
}
