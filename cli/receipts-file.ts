/**
 * Signed segments from a JSON file, for whoever keeps receipts elsewhere than in a worker's store.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'

import { z } from 'zod'

import { tallyHash } from '#protocol/eip712.ts'
import type { ForceGroup } from '#worker/force.ts'

import { reasonOf } from './chain.ts'
import { CliError } from './errors.ts'

const hex = (bytes: number) => z.templateLiteral(['0x', z.string().regex(new RegExp(`^[0-9a-f]{${2 * bytes}}$`, 'i'))])
const integer = (bits: number) =>
  z
    .number()
    .int()
    .min(0)
    .max(2 ** bits - 1)
const units = (bits: number) =>
  z
    .string()
    .regex(/^[0-9]{1,13}$/)
    .transform(BigInt)
    .refine((value) => value < 2n ** BigInt(bits), `must fit ${bits} bits`)

const file = z.strictObject({
  groups: z
    .array(
      z.strictObject({
        dealId: integer(32),
        worker: integer(40),
        tally: z.strictObject({
          dealKey: hex(32),
          stream: z.number().int().min(0).max(61),
          first: integer(24),
          count: integer(24),
          units: units(40),
          segment: hex(32),
          signature: hex(64),
        }),
        receipts: z.array(z.strictObject({ units: units(24), workHash: hex(32) })).min(1),
      }),
    )
    .min(1),
})

/**
 * Segments to force: `{groups: [{dealId, worker, tally: {dealKey, stream, first, count, units, segment, signature},
 * receipts: [{units, workHash}]}]}`, units as decimal strings.
 *
 * @throws CliError `cli.unreadable-file`.
 */
export async function readReceiptsFile(path: string): Promise<readonly ForceGroup[]> {
  let json: unknown
  try {
    json = JSON.parse(await readFile(path, 'utf8'))
  } catch (error) {
    throw new CliError('cli.unreadable-file', `${path} cannot be read: ${reasonOf(error)}`, { cause: error })
  }
  const parsed = file.safeParse(json)
  if (parsed.success) {
    return parsed.data.groups.map(({ tally, ...rest }) => ({ ...rest, tally: { ...tally, hash: tallyHash(tally) } }))
  }
  const [issue] = parsed.error.issues
  throw new CliError('cli.unreadable-file', `${path} holds no segments: ${issue?.path.join('.')} ${issue?.message}`)
}
