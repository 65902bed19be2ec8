/**
 * What a server serves, read from the server itself, to hold its document against.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify'

import { openApiOf } from '#runtime/openapi.ts'

/** Routes registered with a server, as `GET /v1/data/{root}`; answers to HEAD come with GET. */
export function registeredRoutes(app: FastifyInstance): string[] {
  const above: string[] = []
  const routes: string[] = []
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent, part, methods] = /^((?:[│ ] {3})*)[├└]── (\S+)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? []
    if (indent === undefined || part === undefined) continue
    above.length = indent.length / 4
    above.push(part)
    const path = above.join('').replaceAll(/:(\w+)/g, '{$1}')
    for (const method of methods?.split(', ') ?? []) if (method !== 'HEAD') routes.push(`${method} ${path}`)
  }
  return routes.sort()
}

/** Routes a document describes, in the same words. */
export function describedRoutes(source: Parameters<typeof openApiOf>[0]): string[] {
  const { paths } = openApiOf(source)
  return Object.entries(paths as Record<string, object>)
    .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`))
    .sort()
}

/** References of a document that lead nowhere. */
export function brokenReferences(source: Parameters<typeof openApiOf>[0]): string[] {
  const document = openApiOf(source)
  const { schemas } = document.components as { schemas: Record<string, unknown> }
  const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)
  return [...references].flatMap(([, name]) => (name !== undefined && name in schemas ? [] : [String(name)]))
}
