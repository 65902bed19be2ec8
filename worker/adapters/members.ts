/**
 * Client of the committee members' HTTP routes: bounded waiting, verified data, refusals told apart from failures.
 *
 * @module
 */
import type { Hex } from 'viem'

import { isNamedBy, MAX_CONTENT_BYTES } from '#protocol/content.ts'
import {
  type OrderMessage,
  parseOrdersMessage,
  parseProblem,
  parseSegmentAnswer,
  type SegmentAnswer,
  type SegmentMessage,
  toWire,
} from '#protocol/wire.ts'

import { WorkerError } from '../errors.ts'

/** Bytes taken of one answer at most: the longest content. */
const MAX_ANSWER_BYTES = MAX_CONTENT_BYTES

/** One member's routes. Everything throws WorkerError `member.unreachable` when the member fails to answer. */
export type Members = {
  /** Orders of a deal by rising index. */
  orders(
    endpoint: string,
    dealKey: Hex,
    from: bigint,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly OrderMessage[]>
  /** Bytes of a root, verified; null when the member has none. */
  getData(endpoint: string, root: Hex, signal: AbortSignal): Promise<Uint8Array | null>
  /** @throws WorkerError `member.refused` with the member's code. */
  putData(endpoint: string, root: Hex, bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** @throws RefusedError when the member names a check. */
  postSegment(endpoint: string, segment: SegmentMessage, signal: AbortSignal): Promise<SegmentAnswer>
  /** Where a segment stands, by its tally hash. */
  getSegment(endpoint: string, tallyHash: Hex, signal: AbortSignal): Promise<SegmentAnswer>
}

/** Thrown when a member judged a segment and refused it; sending the same again is useless. */
export class RefusedError extends WorkerError {
  readonly check: string

  constructor(check: string, detail: string) {
    super('member.refused', detail)
    this.check = check
  }
}

/** Creates the client. */
export function createMembers(options: { readonly timeoutMs?: number } = {}): Members {
  const timeoutMs = options.timeoutMs ?? 10_000

  async function request(url: string, init: RequestInit, signal: AbortSignal): Promise<Response> {
    try {
      return await fetch(url, { ...init, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) })
    } catch (cause) {
      throw new WorkerError('member.unreachable', `${url} does not answer`, { cause })
    }
  }

  return {
    async orders(endpoint, dealKey, from, limit, signal) {
      const url = `${endpoint}/v1/orders?dealKey=${dealKey}&from=${from}&limit=${limit}`
      const response = await request(url, {}, signal)
      if (!response.ok) throw await failureOf(response)
      return parseOrdersMessage(await jsonOf(response)).orders
    },

    async getData(endpoint, root, signal) {
      const response = await request(`${endpoint}/v1/data/${root}`, {}, signal)
      if (response.status === 404) {
        await response.body?.cancel()
        return null
      }
      if (!response.ok) throw await failureOf(response)
      const bytes = await bytesOf(response)
      // another's bytes under this root are no answer: the next member is asked
      return isNamedBy(root, bytes) ? bytes : null
    },

    async putData(endpoint, root, bytes, signal) {
      const headers = { 'content-type': 'application/octet-stream' }
      const body = new Uint8Array(bytes)
      const response = await request(`${endpoint}/v1/data/${root}`, { method: 'PUT', headers, body }, signal)
      if (!response.ok) throw await failureOf(response)
      await response.body?.cancel()
    },

    async postSegment(endpoint, segment, signal) {
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify(toWire(segment))
      const response = await request(`${endpoint}/v1/segments`, { method: 'POST', headers, body }, signal)
      if (response.status === 422) {
        const { check, code, detail } = parseProblem(await jsonOf(response))
        throw new RefusedError(check ?? code, detail)
      }
      if (!response.ok) throw await failureOf(response)
      const answer = parseSegmentAnswer(await jsonOf(response))
      if (answer.status === 'refused') throw new RefusedError(answer.check ?? 'unnamed', 'refused before')
      return answer
    },

    async getSegment(endpoint, tallyHash, signal) {
      const response = await request(`${endpoint}/v1/segments/${tallyHash}`, {}, signal)
      if (!response.ok) throw await failureOf(response)
      return parseSegmentAnswer(await jsonOf(response))
    },
  }
}

async function failureOf(response: Response): Promise<WorkerError> {
  const detail = await jsonOf(response).then(
    (json) => {
      const { code, detail } = parseProblem(json)
      return `${code}: ${detail}`
    },
    () => 'no problem document',
  )
  return new WorkerError('member.failed', `${response.url} answers ${response.status}, ${detail}`)
}

async function jsonOf(response: Response): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await bytesOf(response)))
}

async function bytesOf(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.byteLength
    if (length > MAX_ANSWER_BYTES) throw new WorkerError('member.failed', `${response.url} answers too much`)
    parts.push(part)
  }
  return new Uint8Array(Buffer.concat(parts))
}
