/**
 * Gathers the committee's signatures over a batch, leaving out what too many members refuse.
 *
 * @module
 */
import type { Hex } from 'viem'

import { encodeAttestation } from '#protocol/attestation.ts'
import { attestationDigest, type Domain } from '#protocol/eip712.ts'
import { recoverCompact } from '#protocol/signature.ts'
import type { ProposalMessage } from '#protocol/wire.ts'
import type { Logger } from '#runtime/log.ts'
import { sameAddress } from '../domain/checks.ts'
import { type Answer, groupsToDrop, quorum } from '../domain/quorum.ts'
import type { Committee, Member, Peers } from '../ports.ts'
import type { Assemble, Assembled, Carriage, ProposedGroup } from './assembly.ts'
import type { Attester } from './attester.ts'

/** This member's place in the committee. */
export type Seat = { readonly index: number; readonly committee: Committee }

/** What became of a proposal: the attested batch, if any, and why each other group was left out. */
export type Gathered = {
  readonly attestation: (Assembled & { readonly authority: Hex }) | null
  readonly left: ReadonlyMap<Hex, string>
}

/** Gathers signatures. */
export type Gatherer = {
  /**
   * Proposes `groups`, which are in chain order, until enough members sign or nothing is left. The blobs of an attested
   * batch are in this member's archive.
   *
   * @throws BlobError when they do not fit the blobs of a transaction; HttpProblem 507 `blob.full`.
   */
  gather(seat: Seat, carriage: Carriage, groups: readonly ProposedGroup[], claims: number): Promise<Gathered>
}

/** Why a group is left out that too few members answered for. */
export const SILENT = 'committee.silent'

/** Times a batch is proposed again without the groups that were refused. */
const ROUNDS = 4

type Proposal = { readonly digest: Hex; readonly epoch: number; readonly message: ProposalMessage }

/** Creates the gatherer. */
export function createGatherer(deps: {
  readonly attester: Pick<Attester, 'conflicts' | 'sign'>
  readonly peers: Peers
  readonly assemble: Assemble
  readonly committeeDomain: Domain
  readonly log: Logger
}): Gatherer {
  const { attester, peers, log } = deps

  async function askOne(member: Member, index: number, { digest, epoch, message }: Proposal): Promise<Answer> {
    const answer = await peers.propose(member.endpoint, message)
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
  async function round(seat: Seat, batch: Assembled, claims: number) {
    const { root, bytes, groups } = batch
    const { epoch, threshold } = seat.committee
    const digest = attestationDigest({ epoch, root, claims }, deps.committeeDomain)
    const blobs = batch.blobs.map(({ versionedHash }) => versionedHash)
    const answers = await ask(seat, {
      digest,
      epoch,
      message: { batch: bytes, claims, blobs, heads: batch.heads, forces: batch.forces },
    })
    if (signaturesIn(answers) + 1 >= threshold) {
      // own signature last: until then the groups stay free for the next leader
      const signature = await attester.sign(epoch, batch, claims)
      const signatures = quorum([...answers, { kind: 'signed', member: seat.index, signature }], threshold)
      const authority = encodeAttestation({ epoch, claims, signatures: signatures ?? [] })
      return { attestation: { ...batch, authority }, dropped: new Map<number, string>() }
    }
    const own: Answer = { kind: 'signed', member: seat.index, signature: '0x' }
    const dropped = groupsToDrop([...answers, own], groups.length, threshold)
    log.info({ root, silent: silentIn(answers), dropped: [...dropped] }, 'proposal not signed by enough members')
    return { attestation: null, dropped }
  }

  return {
    async gather(seat, carriage, all, claims) {
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
        const { attestation, dropped } = await round(seat, await deps.assemble(carriage, groups), claims)
        if (attestation !== null) return { attestation, left }
        if (dropped.size === 0) break
        groups = without(groups, (index) => dropped.get(index) ?? null)
      }
      for (const { stored } of groups) left.set(stored.tallyHash, SILENT)
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
