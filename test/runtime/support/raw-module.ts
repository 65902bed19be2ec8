/**
 * Writes WebAssembly modules byte by byte, for shapes no assembler would make.
 *
 * @module
 */

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) + 0x80)
  return [...bytes, rest]
}

/** The same instruction bytes again and again. */
export function repeated(code: readonly number[], times: number): Uint8Array {
  const bytes = new Uint8Array(code.length * times)
  for (let index = 0; index < times; index += 1) bytes.set(code, index * code.length)
  return bytes
}

function join(...parts: (readonly number[] | Uint8Array)[]): Uint8Array {
  return Buffer.concat(parts.map((part) => Uint8Array.from(part)))
}

function section(id: number, content: Uint8Array): Uint8Array {
  return join([id], leb(content.length), content)
}

/** What differs between raw modules: function bodies without size and end, and locals as `[count, type]`. */
export type RawFunction = { readonly locals?: readonly (readonly [number, number])[]; readonly code: Uint8Array }

/** A module of functions without parameters and results; the first is `run`. */
export function rawModule(functions: readonly RawFunction[]): Uint8Array {
  const bodies = functions.map(({ locals = [], code }) => {
    const body = join(leb(locals.length), ...locals.map(([count, type]) => [...leb(count), type]), code, [0x0b])
    return join(leb(body.length), body)
  })
  return join(
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, Uint8Array.from([1, 0x60, 0, 0])),
    section(3, join(leb(functions.length), repeated([0], functions.length))),
    section(5, Uint8Array.from([1, 0, 1])),
    section(7, join([2, 6], [...Buffer.from('memory')], [2, 0, 3], [...Buffer.from('run')], [0, 0])),
    section(10, join(leb(functions.length), ...bodies)),
  )
}
