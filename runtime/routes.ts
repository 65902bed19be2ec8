/**
 * Routes as data: what a server takes and answers stands in one table, which both judges the requests and describes
 * itself as an OpenAPI document.
 *
 * @module
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'

import { WireError } from '#protocol/wire.ts'
import { HttpProblem } from './http.ts'

/** A body of plain bytes, `application/octet-stream`. */
export const BYTES = 'bytes'
/** An answer of plain text. */
export const TEXT = 'text'

/** One answer of a route: when it is given, and its body. */
export type RouteAnswer = { readonly when: string; readonly body: z.ZodType | typeof BYTES | typeof TEXT }

/** One route. What is refused for its form (`wire.invalid`, `request.*`) goes without saying. */
export type Route = {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** Path with its parameters in braces. */
  readonly path: string
  readonly summary: string
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  readonly body?: z.ZodType | typeof BYTES
  /** Longest body, where it is not the server's own limit. */
  readonly bodyBytes?: number
  /** Answers by status; the lowest one is given unless the handler says otherwise. */
  readonly answers: Readonly<Record<number, RouteAnswer>>
  /** Problem codes by status, each with what it means. */
  readonly problems?: Readonly<Record<number, Readonly<Record<string, string>>>>
}

/** Routes of one server, each by the name of its operation. */
export type RouteTable = Readonly<Record<string, Route>>

type Judged<Schema> = Schema extends z.ZodType ? z.output<Schema> : Schema extends typeof BYTES ? Buffer : undefined

/** What a handler is given: every part judged by its schema. */
export type RouteInput<One extends Route> = {
  readonly params: Judged<One['params']>
  readonly query: Judged<One['query']>
  readonly body: Judged<One['body']>
}

/** One handler per route; what it returns is sent. */
export type RouteHandlers<Table extends RouteTable> = {
  readonly [Name in keyof Table]: (input: RouteInput<Table[Name]>, reply: FastifyReply) => unknown
}

/** Adds every route of the table to the server. */
export function serveRoutes<Table extends RouteTable>(
  app: FastifyInstance,
  table: Table,
  handlers: RouteHandlers<Table>,
): void {
  for (const [name, route] of Object.entries(table)) {
    const handler = handlers[name] as (input: RouteInput<Route>, reply: FastifyReply) => unknown
    const status = Number(Object.keys(route.answers)[0])
    app.route({
      method: route.method,
      ...(route.bodyBytes === undefined ? {} : { bodyLimit: route.bodyBytes }),
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      handler: (request, reply) => handler(inputOf(route, request), reply.status(status)),
    })
  }
}

function inputOf({ params, query, body }: Route, request: FastifyRequest): RouteInput<Route> {
  const judged = {
    params: params === undefined ? undefined : judge(params, request.params),
    query: query === undefined ? undefined : judge(query, request.query),
  }
  if (body === BYTES && !Buffer.isBuffer(request.body))
    throw new HttpProblem(415, 'request.media-type', 'data travels as application/octet-stream')
  return { ...judged, body: body === undefined || body === BYTES ? request.body : judge(body, request.body) } as never
}

function judge<Parsed>(schema: z.ZodType<Parsed>, value: unknown): Parsed {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new WireError(issue?.path.join('.') ?? '', issue?.message ?? 'is not valid', { cause: result.error })
}
