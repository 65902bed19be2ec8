/**
 * Means with their confidence, and where an expectation changes its sign.
 *
 * @module
 */

/** A sample's mean and how far it may be off. */
export type Estimate = {
  readonly mean: number
  /** Half the width of the two-sided 99 % confidence interval. */
  readonly margin: number
}

/** What a strategy earned in episodes in which it was found out, and in those in which it was not. */
export type Outcomes = { readonly detected: readonly number[]; readonly undetected: readonly number[] }

/** Two-sided 99 % quantiles of Student's t distribution, by degrees of freedom from 1 on. Source: NIST/SEMATECH e-Handbook, 1.3.6.7.2. */
const STUDENT_99 = [
  63.657, 9.925, 5.841, 4.604, 4.032, 3.707, 3.499, 3.355, 3.25, 3.169, 3.106, 3.055, 3.012, 2.977, 2.947, 2.921, 2.898,
  2.878, 2.861, 2.845, 2.831, 2.819, 2.807, 2.797, 2.787, 2.779, 2.771, 2.763, 2.756, 2.75,
] as const
const NORMAL_99 = 2.576

/** Mean and 99 % margin of a sample of two or more. @throws RangeError on fewer. */
export function estimate(sample: readonly number[]): Estimate {
  const count = sample.length
  if (count < 2) throw new RangeError(`${count} episodes have no spread`)
  const mean = sample.reduce((sum, value) => sum + value, 0) / count
  const variance = sample.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (count - 1)
  const quantile = STUDENT_99[count - 2] ?? NORMAL_99
  return { mean, margin: quantile * Math.sqrt(variance / count) }
}

/**
 * Expected profit where a cheat is detected with probability `p`, and its margin: both outcomes were sampled apart, so
 * the margins add in quadrature.
 */
export function expectedAt(p: number, { detected, undetected }: Outcomes): Estimate {
  const [caught, free] = [estimate(detected), estimate(undetected)]
  return {
    mean: p * caught.mean + (1 - p) * free.mean,
    margin: Math.hypot(p * caught.margin, (1 - p) * free.margin),
  }
}

/**
 * Least detection probability from which on the expected profit is negative with 99 % confidence.
 *
 * @returns 0 where it is so even if nobody looks, null where it never is.
 */
export function deterredFrom(outcomes: Outcomes): number | null {
  return leastDeterring((p) => {
    const { mean, margin } = expectedAt(p, outcomes)
    return mean + margin < 0
  })
}

/** The same by the means alone, whatever they may be off: for comparing samples of the same draws. */
export function breakEven(outcomes: Outcomes): number | null {
  return leastDeterring((p) => expectedAt(p, outcomes).mean < 0)
}

function leastDeterring(isDeterred: (p: number) => boolean): number | null {
  if (isDeterred(0)) return 0
  if (!isDeterred(1)) return null
  let [low, high] = [0, 1]
  for (let step = 0; step < 40; step += 1) {
    const middle = (low + high) / 2
    if (isDeterred(middle)) high = middle
    else low = middle
  }
  return high
}
