/**
 * What a structured program computes and how many instructions that takes.
 *
 * The count walks the program's tree and shares nothing with the meter, which reads its bytes.
 *
 * @module
 */
import { type CountedProgram, type Operator, type Step, VARIABLES, type Value } from './counted-program.ts'

/** Instructions after which a run is given up: such programs prove nothing and take long. */
const PATIENCE = 200_000

const operators: Record<Operator, (left: number, right: number) => number> = {
  add: (left, right) => (left + right) | 0,
  sub: (left, right) => (left - right) | 0,
  mul: Math.imul,
  and: (left, right) => left & right,
  xor: (left, right) => left ^ right,
  lt_s: (left, right) => (left < right ? 1 : 0),
  shr_u: (left, right) => (left >>> (right & 31)) | 0,
}

/** One running function. */
type Frame = {
  readonly variables: number[]
  pay(instructions: number): void
  callLeaf(argument: number): number
}

/** The program's result and instructions, or null when it runs too long to be of use. */
export function countByHand(
  program: CountedProgram,
): { readonly result: number; readonly instructions: number } | null {
  let instructions = 0
  const pay = (amount: number) => {
    instructions += amount
    if (instructions > PATIENCE) throw new RangeError('too long')
  }
  const call = (body: readonly Step[], argument: number): number => {
    const variables = Array.from({ length: VARIABLES }, (_, index) => (index === 0 ? argument : 0))
    const frame: Frame = { variables, pay, callLeaf: (value) => call(program.leaf, value) }
    const returned = perform(frame, body)
    if (returned !== undefined) return returned
    pay(1)
    return variables[0] ?? 0
  }
  try {
    return { result: call(program.main, 7), instructions }
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

function evaluate(frame: Frame, value: Value): number {
  const operands = operandsOf(value).map((operand) => evaluate(frame, operand))
  frame.pay(1)
  const [first = 0, second = 0, third = 0] = operands
  switch (value.kind) {
    case 'constant':
      return value.value
    case 'variable':
      return frame.variables[value.index] ?? 0
    case 'call':
      return frame.callLeaf(first)
    case 'binary':
      return operators[value.operator](first, second)
    case 'select':
      return third === 0 ? second : first
  }
}

function operandsOf(value: Value): Value[] {
  if (value.kind === 'binary') return [value.left, value.right]
  if (value.kind === 'select') return [value.left, value.right, value.condition]
  return value.kind === 'call' ? [value.argument] : []
}

/** The value returned, or undefined when the steps went to their end. */
function perform(frame: Frame, steps: readonly Step[]): number | undefined {
  for (const step of steps) {
    const returned = performOne(frame, step)
    if (returned !== undefined) return returned
  }
  return undefined
}

function performOne(frame: Frame, step: Step): number | undefined {
  switch (step.kind) {
    case 'set':
      frame.variables[step.index] = evaluateAnd(frame, step.value)
      return undefined
    case 'return':
      return evaluateAnd(frame, step.value)
    case 'if':
      return perform(frame, evaluateAnd(frame, step.condition) === 0 ? step.no : step.yes)
    case 'repeat':
      return repeat(frame, step.times, step.body)
    case 'block':
      return leaveOrGoOn(frame, step.before, step.leaveIf, step.after)
    case 'choose':
      return choose(frame, step.on, step.first, step.second)
  }
}

/** Evaluates, and pays for the one instruction that takes the value. */
function evaluateAnd(frame: Frame, value: Value): number {
  const result = evaluate(frame, value)
  frame.pay(1)
  return result
}

function repeat(frame: Frame, times: number, body: readonly Step[]): number | undefined {
  frame.pay(3) // the counter is set and the loop entered
  for (let round = 0; round < times; round += 1) {
    const returned = perform(frame, body)
    if (returned !== undefined) return returned
    frame.pay(5) // the counter falls and is looked at
  }
  return undefined
}

function leaveOrGoOn(
  frame: Frame,
  before: readonly Step[],
  leaveIf: Value,
  after: readonly Step[],
): number | undefined {
  frame.pay(1)
  const returned = perform(frame, before)
  if (returned !== undefined) return returned
  return evaluateAnd(frame, leaveIf) === 0 ? perform(frame, after) : undefined
}

function choose(frame: Frame, on: Value, first: readonly Step[], second: readonly Step[]): number | undefined {
  frame.pay(3)
  const chosen = evaluateAnd(frame, on)
  if (chosen === 1) return perform(frame, second)
  if (chosen !== 0) return undefined
  const returned = perform(frame, first)
  if (returned === undefined) frame.pay(1) // past the second
  return returned
}
