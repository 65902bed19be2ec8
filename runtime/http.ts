/**
 * HTTP servers of the nodes: bounded bodies, bounded times, problem+json errors, loopback unless told otherwise.
 *
 * @module
 */
import { STATUS_CODES } from 'node:http'

import { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, fastify, LogController } from 'fastify'
import type { Logger } from 'pino'

import { TallyError } from '#protocol/errors.ts'

/** An error a client is told about, in the words of its `code`. */
export class HttpProblem extends TallyError {
  override readonly name = 'HttpProblem'
  /** HTTP status, 400 to 599. */
  readonly status: number
  /** Further members of the problem document, e.g. `check`. */
  readonly extensions: Readonly<Record<string, unknown>>

  constructor(status: number, code: string, detail: string, extensions: Readonly<Record<string, unknown>> = {}) {
    super(code, detail)
    this.status = status
    this.extensions = extensions
  }
}

/** What bounds a server. */
export type HttpLimits = {
  /** Longest body, default 1 MiB. */
  readonly bodyLimitBytes?: number
  /** Longest time a request may take to arrive, default 15,000 ms. */
  readonly requestTimeoutMs?: number
  /** Most open connections, default 512. */
  readonly maxConnections?: number
}

/**
 * Creates a server without routes. Bodies are JSON (parsed) or `application/octet-stream` (a `Buffer`).
 *
 * Thrown {@link HttpProblem}s, errors of code `wire.invalid` and the framework's own refusals become problem documents;
 * anything else is logged and answered with 500 `internal`, without its message.
 */
export function createHttp(options: { readonly log?: Logger } & HttpLimits = {}): FastifyInstance {
  const bodyLimit = options.bodyLimitBytes ?? 1_048_576
  const requestTimeout = options.requestTimeoutMs ?? 15_000
  const log: FastifyBaseLogger | undefined = options.log
  const quiet = new LogController({ disableRequestLogging: true })
  const app = fastify({
    bodyLimit,
    requestTimeout,
    connectionTimeout: requestTimeout * 2,
    keepAliveTimeout: 5_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 128 },
    ...(log === undefined ? { logger: false } : { loggerInstance: log, logController: quiet }),
  })
  app.server.maxConnections = options.maxConnections ?? 512
  app.server.maxRequestsPerSocket = 0

  // what is no JSON and no bytes is refused by its type, not by what it is not
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer', bodyLimit }, (_request, body, done) =>
    done(null, body),
  )
  app.setNotFoundHandler((request, reply) =>
    send(reply, new HttpProblem(404, 'route.unknown', `${request.method} ${request.url.split('?')[0]} is no route`)),
  )
  app.setErrorHandler((error, request, reply) => {
    const problem = toProblem(error)
    if (problem.status >= 500) request.log.error({ err: error, url: request.url }, 'request failed')
    return send(reply, problem)
  })
  return app
}

/**
 * Starts listening.
 *
 * @param options - `port` 0 picks a free one; `host` defaults to 127.0.0.1.
 * @returns The address to reach it at, without a slash at the end.
 */
export async function listenHttp(
  app: FastifyInstance,
  options: { readonly port: number; readonly host?: string },
): Promise<{ readonly url: string; readonly port: number }> {
  const host = options.host ?? '127.0.0.1'
  await app.listen({ port: options.port, host })
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : options.port
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return { url: `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`, port }
}

const frameworkCodes: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'request.too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request.media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'request.malformed',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'request.malformed',
  FST_ERR_CTP_INVALID_JSON_BODY: 'request.malformed',
}

function toProblem(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error
  if (!(error instanceof Error)) return failed()
  const { code, statusCode: status, field } = error as { code?: unknown; statusCode?: unknown; field?: unknown }
  if (code === 'wire.invalid') {
    return new HttpProblem(400, code, error.message, typeof field === 'string' ? { field } : {})
  }
  if (typeof status !== 'number' || status < 400 || status >= 500) return failed()
  const known = typeof code === 'string' ? frameworkCodes[code] : undefined
  return new HttpProblem(status, known ?? 'request.malformed', error.message)
}

/** What a client is told of an error that is ours. */
function failed(): HttpProblem {
  return new HttpProblem(500, 'internal', 'the request failed')
}

function send(reply: FastifyReply, problem: HttpProblem): FastifyReply {
  return reply
    .status(problem.status)
    .type('application/problem+json; charset=utf-8')
    .send({
      ...problem.extensions,
      type: 'about:blank',
      title: STATUS_CODES[problem.status] ?? 'Error',
      status: problem.status,
      code: problem.code,
      detail: problem.message,
    })
}
