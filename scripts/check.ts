/**
 * `npm run check`: every judgement that needs no test run. It writes no tracked file, runs all steps whatever fails,
 * and shows only what the failing ones printed.
 *
 * @module
 */
import { run } from './support/run.ts'

type Step = { name: string; command: string; args: readonly string[] }

/** The generator goes first: it compiles, and the tests' types come out of that. */
const steps: readonly Step[] = [
  { name: 'generated files are fresh', command: 'node', args: ['scripts/generate.ts', '--check'] },
  { name: 'types of the nodes', command: 'tsc', args: ['-p', 'tsconfig.json'] },
  { name: 'types of the tests', command: 'tsc', args: ['-p', 'test/tsconfig.json'] },
  { name: 'TypeScript style', command: 'biome', args: ['check', '--error-on-warnings'] },
  {
    name: 'Solidity style',
    command: 'solhint',
    args: ['--disc', '--noPoster', '--max-warnings', '0', 'contracts/**/*.sol'],
  },
  {
    name: 'Solidity format',
    command: 'prettier',
    args: ['--check', '--no-error-on-unmatched-pattern', '{contracts,test}/**/*.sol'],
  },
]

const failed: string[] = []
for (const { name, command, args } of steps) {
  const { code, output, elapsedMs } = await run(command, args, { show: false })
  const seconds = (elapsedMs / 1000).toFixed(1)
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
  if (code === 0) continue
  failed.push(name)
  console.log(output.trimEnd())
}
console.log(failed.length === 0 ? 'all checks hold' : `failed: ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
