/**
 * What a contract answered, as plain values. The generated types leave out the methods every answer has.
 *
 * @module
 */
import { Result } from 'ethers'

/** The values of a struct or of an event's arguments, by name. */
export function fieldsOf(answer: unknown): Record<string, unknown> {
  if (!(answer instanceof Result)) throw new Error('this is no answer of a contract')
  return answer.toObject()
}

/** The values of a struct or of an event's arguments, in order. */
export function valuesOf(answer: unknown): unknown[] {
  if (!(answer instanceof Result)) throw new Error('this is no answer of a contract')
  return answer.toArray()
}
