/**
 * The JSON vectors under test/vectors, which the contracts' tests read as well.
 *
 * @module
 */
import { readFileSync } from 'node:fs'

/** Parsed contents of test/vectors/<name>.json; the caller says their shape. */
export function readVectors<Shape>(name: string): Shape {
  return JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), 'utf8')) as Shape
}

/** The hex at the end of each piece, joined: pieces are written `label hex` so that a person can check them. */
export function joinPieces(pieces: readonly string[]): `0x${string}` {
  return `0x${pieces.map((piece) => piece.split(' ').at(-1) ?? '').join('')}`
}
