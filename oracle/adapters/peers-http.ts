/**
 * The other committee members over HTTP.
 *
 * @module
 */
import { parseProblem, parseProposalAnswer } from '#protocol/wire.ts'
import type { PeerAnswer, Peers } from '../ports.ts'

/** A peer's answer is a signature or a list of refusals: more than this is not one. */
const MAX_ANSWER_BYTES = 262_144

/**
 * Creates the peers port.
 *
 * @param options - `timeoutMs`: how long a peer may take to judge a batch; `signal` ends what is under way.
 */
export function createHttpPeers(options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Peers {
  return {
    async propose(endpoint, proposal) {
      try {
        const response = await fetch(new URL('/v1/proposals', endpoint), {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(proposal),
          redirect: 'error',
          signal: AbortSignal.any([options.signal, AbortSignal.timeout(options.timeoutMs)]),
        })
        return toAnswer(response.status, JSON.parse(await boundedText(response)))
      } catch (error) {
        // whatever a peer does, it is at most silent: the others decide without it
        return { kind: 'silent', reason: error instanceof Error ? error.message : String(error) }
      }
    },
  }
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > MAX_ANSWER_BYTES) throw new RangeError('the answer is too long')
  }
  return text + decoder.decode()
}

function toAnswer(status: number, body: unknown): PeerAnswer {
  if (status === 200) {
    const { member, epoch, signature } = parseProposalAnswer(body)
    return { kind: 'signed', signer: member, epoch, signature }
  }
  const { code, refusals } = parseProblem(body)
  if (status !== 409 || refusals === undefined) return { kind: 'silent', reason: `${status} ${code}` }
  return { kind: 'refused', groups: new Map(refusals.map(({ group, check }) => [group, check])) }
}
