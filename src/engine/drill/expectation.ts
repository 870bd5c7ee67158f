import type { DrillCheck } from '../../core/drill.ts'

type Expectation = DrillCheck['expect']

/** @param answer as text; null: none */
export function isExpected(answer: string | null, expect: Expectation): boolean {
  if (expect === 'not_empty') return answer !== null && answer !== ''
  if (answer === null) return false
  if (typeof expect === 'object') return isWithin(answer, expect)
  if (typeof expect === 'boolean') return truths.get(answer.toLowerCase()) === expect
  if (typeof expect === 'number') return answer.trim() !== '' && Number(answer) === expect
  return answer === expect
}

/** SQLite knows no truth but numbers. */
const truths = new Map([
  ['true', true],
  ['t', true],
  ['1', true],
  ['false', false],
  ['f', false],
  ['0', false],
])

function isWithin(
  answer: string,
  { min = -Infinity, max = Infinity }: { min?: number; max?: number },
): boolean {
  const number = answer.trim() === '' ? NaN : Number(answer)
  return number >= min && number <= max
}

/** `at least 1000`, as people read it. */
export function spellExpectation(expect: Expectation): string {
  if (expect === 'not_empty') return 'not empty'
  if (typeof expect !== 'object') return String(expect)
  const { min, max } = expect
  if (min === undefined) return `at most ${max}`
  return max === undefined ? `at least ${min}` : `${min} to ${max}`
}
