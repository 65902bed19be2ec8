/**
 * Unified diffs, applied by their text alone: line numbers are not used, so a patch lives as long as its lines do.
 *
 * @module
 */
/** One place of one file. */
type Hunk = { file: string; before: string; after: string }

/** A patch and the `name: value` lines at its head. */
export type Patch = { fields: ReadonlyMap<string, string>; hunks: readonly Hunk[] }

function createHunk(file: string, lines: readonly string[]): Hunk {
  const side = (marks: string): string =>
    lines
      .filter((line) => marks.includes(line[0] ?? ' '))
      .map((line) => `${line.slice(1)}\n`)
      .join('')
  return { file, before: side(' -'), after: side(' +') }
}

/** The hunks of one file's part of a patch. */
function hunksOf(part: string): Hunk[] {
  const [file = '', ...places] = part.split(/^@@.*\n/m)
  return places.map((place) =>
    createHunk(
      file.trim(),
      place
        .replace(/^--- .*\n/m, '')
        .trimEnd()
        .split('\n'),
    ),
  )
}

/** Reads a patch: `name: value` lines, then each file's `+++ b/<file>` with hunks that begin with `@@`. */
export function parsePatch(text: string): Patch {
  const [head = '', ...parts] = text.split(/^\+\+\+ b\//m)
  const fields = [...head.matchAll(/^([a-z]+): (.*)$/gm)].map(([, name, value]): [string, string] => [
    name ?? '',
    value ?? '',
  ])
  return { fields: new Map(fields), hunks: parts.flatMap(hunksOf) }
}

/** Sources with the patch applied; throws unless each of its places is there exactly once. */
export function applyPatch(sources: Readonly<Record<string, string>>, { hunks }: Patch): Record<string, string> {
  const patched = { ...sources }
  for (const { file, before, after } of hunks) {
    const parts = (patched[file] ?? '').split(before)
    if (parts.length !== 2) throw new Error(`${file} holds this ${parts.length - 1} times:\n${before}`)
    patched[file] = parts.join(after)
  }
  return patched
}
