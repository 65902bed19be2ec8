/**
 * OpenAPI 3.1 documents of route tables: the schemas in them are the ones that judge the requests.
 *
 * @module
 */
import { STATUS_CODES } from 'node:http'

import { z } from 'zod'

import { problem } from '#protocol/wire.ts'
import { BYTES, type Route, type RouteAnswer, type RouteTable, TEXT } from './routes.ts'

type Json = Record<string, unknown>
type Codes = Readonly<Record<string, string>>

/** What a document is made of. */
export type OpenApiSource = {
  readonly title: string
  readonly description: string
  readonly routes: RouteTable
  /** Schemas that stand in the document once, by name. */
  readonly schemas: Readonly<Record<string, z.ZodType>>
}

/** Describes a server's routes. */
export function openApiOf({ title, description, routes, schemas }: OpenApiSource): Json {
  const named = { ...schemas, Problem: problem }
  const paths: Record<string, Json> = {}
  for (const [name, route] of Object.entries(routes)) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(name, route, named) }
  }
  return {
    openapi: '3.1.1',
    info: { title, description, version: '1', license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    security: [],
    paths,
    components: { schemas: componentsOf(named) },
  }
}

function operationOf(name: string, route: Route, named: OpenApiSource['schemas']): Json {
  const parameters = [...parametersOf('path', route.params), ...parametersOf('query', route.query)]
  return {
    operationId: name,
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined ? {} : { requestBody: { required: true, content: contentOf(route.body, named) } }),
    responses: { ...answersOf(route.answers, named), ...problemsOf(route) },
  }
}

function parametersOf(place: 'path' | 'query', schema: z.ZodObject | undefined): Json[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = jsonSchema(schema)
  return Object.entries(properties).map(([name, one]) => ({
    ...{ name, in: place, required: required.includes(name) },
    schema: one,
  }))
}

function answersOf(answers: Route['answers'], named: OpenApiSource['schemas']): Json {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { when, body }]) => [
      status,
      { description: when, content: contentOf(body, named) },
    ]),
  )
}

function contentOf(body: RouteAnswer['body'], named: OpenApiSource['schemas']): Json {
  if (body === TEXT) return { 'text/plain': { schema: { type: 'string' } } }
  if (body === BYTES) return { 'application/octet-stream': {} }
  const name = Object.keys(named).find((one) => named[one] === body)
  return { 'application/json': { schema: name === undefined ? jsonSchema(body) : { $ref: refOf(name) } } }
}

function problemsOf(route: Route): Json {
  const byStatus = new Map<number, Codes>()
  for (const [status, codes] of [...formProblems(route), ...Object.entries(route.problems ?? {})]) {
    byStatus.set(Number(status), { ...byStatus.get(Number(status)), ...codes })
  }
  return Object.fromEntries([...byStatus].map(([status, codes]) => [status, problemOf(status, codes)]))
}

/** What every route refuses for its form alone, and what it answers when it fails itself. */
function formProblems({ params, query, body, bodyBytes = 1_048_576 }: Route): [number, Codes][] {
  const found: [number, Codes][] = [[500, { internal: 'The server failed; its log says why.' }]]
  const isJudged = params !== undefined || query !== undefined || (body !== undefined && body !== BYTES)
  if (isJudged) found.push([400, { 'wire.invalid': '`field` names the first part that is not what the route takes.' }])
  if (body === undefined) return found
  found.push([400, { 'request.malformed': 'The body does not read.' }])
  found.push([413, { 'request.too-large': `The body is longer than ${bodyBytes / 1_048_576} MiB.` }])
  found.push([415, { 'request.media-type': 'The body is of another type.' }])
  return found
}

function problemOf(status: number, codes: Codes): Json {
  const lines = Object.entries(codes).map(([code, meaning]) => `\`${code}\`: ${meaning}`)
  const schema = {
    allOf: [{ $ref: refOf('Problem') }, { properties: { code: { type: 'string', enum: Object.keys(codes) } } }],
  }
  return {
    description: [STATUS_CODES[status] ?? 'Error', ...lines].join('\n\n'),
    content: { 'application/problem+json': { schema } },
  }
}

const refOf = (name: string) => `#/components/schemas/${name}`

function componentsOf(named: OpenApiSource['schemas']): Json {
  const registry = z.registry<{ id: string }>()
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id })
  const { schemas } = z.toJSONSchema(registry, { ...settings, uri: refOf })
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, bare(schema)]))
}

function jsonSchema(schema: z.ZodType): { properties?: Record<string, unknown>; required?: string[] } {
  return bare(z.toJSONSchema(schema, settings))
}

/** Without what says where the schema itself stands: the document is its place. */
function bare<Schema extends object>(schema: Schema): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema' && key !== '$id')) as Schema
}

/** Bodies as they travel, before they are parsed. */
const settings: Parameters<typeof z.toJSONSchema>[1] & object = {
  io: 'input',
  unrepresentable: 'any',
  override({ zodSchema, jsonSchema: made }) {
    const { def } = zodSchema._zod
    // JSON has no bigint: it travels as a decimal string
    if (def.type === 'default' && typeof def.defaultValue === 'bigint') made.default = def.defaultValue.toString()
  },
}
