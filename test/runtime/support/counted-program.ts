/**
 * Small structured programs, as trees and as WebAssembly text.
 *
 * @module
 */
import fc from 'fast-check'

/** Variables of a function, 32-bit; the first is its argument. */
export const VARIABLES = 4
/** What leaves one number on the stack. */
export type Value =
  | { kind: 'constant'; value: number }
  | { kind: 'variable'; index: number }
  | { kind: 'binary'; operator: Operator; left: Value; right: Value }
  | { kind: 'select'; condition: Value; left: Value; right: Value }
  | { kind: 'call'; argument: Value }
/** What leaves nothing on the stack. */
export type Step =
  | { kind: 'set'; index: number; value: Value }
  | { kind: 'if'; condition: Value; yes: Step[]; no: Step[] }
  | { kind: 'repeat'; times: number; body: Step[] }
  | { kind: 'block'; before: Step[]; leaveIf: Value; after: Step[] }
  | { kind: 'choose'; on: Value; first: Step[]; second: Step[] }
  | { kind: 'return'; value: Value }
/** Operations on 32-bit numbers. */
export type Operator = 'add' | 'sub' | 'mul' | 'and' | 'xor' | 'lt_s' | 'shr_u'

/** A function of one argument, called by `run` and by nothing else. */
export type CountedProgram = { readonly main: Step[]; readonly leaf: Step[] }

const variable = fc.integer({ min: 0, max: VARIABLES - 1 })

function values(mayCall: boolean): fc.Arbitrary<Value> {
  return fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.record({ kind: fc.constant('constant' as const), value: fc.integer({ min: -9, max: 9 }) }),
      fc.record({ kind: fc.constant('variable' as const), index: variable }),
      fc.record({
        kind: fc.constant('binary' as const),
        operator: fc.constantFrom('add', 'sub', 'mul', 'and', 'xor', 'lt_s', 'shr_u'),
        left: tie('value'),
        right: tie('value'),
      }),
      fc.record({
        kind: fc.constant('select' as const),
        condition: tie('value'),
        left: tie('value'),
        right: tie('value'),
      }),
      ...(mayCall ? [fc.record({ kind: fc.constant('call' as const), argument: tie('value') })] : []),
    ),
  })).value
}

function steps(mayCall: boolean): fc.Arbitrary<Step[]> {
  const value = values(mayCall)
  return fc.letrec<{ steps: Step[]; step: Step }>((tie) => ({
    steps: fc.array(tie('step'), { maxLength: 4 }),
    step: fc.oneof(
      { maxDepth: 3 },
      fc.record({ kind: fc.constant('set' as const), index: variable, value }),
      fc.record({ kind: fc.constant('if' as const), condition: value, yes: tie('steps'), no: tie('steps') }),
      fc.record({ kind: fc.constant('repeat' as const), times: fc.integer({ min: 1, max: 6 }), body: tie('steps') }),
      fc.record({ kind: fc.constant('block' as const), before: tie('steps'), leaveIf: value, after: tie('steps') }),
      fc.record({ kind: fc.constant('choose' as const), on: value, first: tie('steps'), second: tie('steps') }),
      fc.record({ kind: fc.constant('return' as const), value }),
    ),
  })).steps
}

/** Any such program. */
export const countedProgram: fc.Arbitrary<CountedProgram> = fc.record({ main: steps(true), leaf: steps(false) })

/** WebAssembly text of the program's two functions and `run`, which writes the result of `main(7)`. */
export function toText({ main, leaf }: CountedProgram): string {
  return `${functionText('leaf', leaf)} ${functionText('main', main)}
    (func (export "run") (i32.store (i32.const 0) (call $main (i32.const 7))) (call $output_write (i32.const 0) (i32.const 4)))`
}

/** Instructions of `run` itself, and of the host call it makes. */
export const RUN_COST = 7 + 64

function functionText(name: string, body: readonly Step[]): string {
  // loop counters: one local per nesting level is enough, and repeats nest at most four deep
  return `(func $${name} (param i32) (result i32) (local i32 i32 i32) (local i32 i32 i32 i32 i32 i32 i32 i32)
    ${stepsText(body, 0)} local.get 0)`
}

function valueText(value: Value): string {
  if (value.kind === 'constant') return `i32.const ${value.value}`
  if (value.kind === 'variable') return `local.get ${value.index}`
  if (value.kind === 'call') return `${valueText(value.argument)} call $leaf`
  if (value.kind === 'binary') return `${valueText(value.left)} ${valueText(value.right)} i32.${value.operator}`
  return `${valueText(value.left)} ${valueText(value.right)} ${valueText(value.condition)} select`
}

function stepsText(all: readonly Step[], level: number): string {
  return all.map((step) => stepText(step, level)).join('\n')
}

function stepText(step: Step, level: number): string {
  switch (step.kind) {
    case 'set':
      return `${valueText(step.value)} local.set ${step.index}`
    case 'return':
      return `${valueText(step.value)} return`
    case 'if':
      return `${valueText(step.condition)} if ${stepsText(step.yes, level)} else ${stepsText(step.no, level)} end`
    case 'block':
      return `block ${stepsText(step.before, level)} ${valueText(step.leaveIf)} br_if 0 ${stepsText(step.after, level)} end`
    case 'choose':
      return `block block block ${valueText(step.on)} br_table 0 1 2 end
        ${stepsText(step.first, level)} br 1 end ${stepsText(step.second, level)} end`
    case 'repeat': {
      const counter = VARIABLES + level
      return `i32.const ${step.times} local.set ${counter} loop ${stepsText(step.body, level + 1)}
        local.get ${counter} i32.const 1 i32.sub local.tee ${counter} br_if 0 end`
    }
  }
}
