/** Small combinators that say what a JSON value may be. A refusal reads as Slack's own:
 * "[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]". */
import { limits } from '../limits.ts'

export type Surface = 'message' | 'modal' | 'home'
export type Json = Record<string, unknown>

export interface Report {
  problems: string[]
  surface: Surface
  blockIds: Set<string>
  taskIds: Set<string>
  /** Characters of all texts seen: Slack limits their sum per message. */
  characters: number
}

export interface At {
  path: string
  report: Report
}

export interface Rule {
  check(value: unknown, at: At): void
  required?: boolean
}

export function newReport(surface: Surface): Report {
  return { problems: [], surface, blockIds: new Set(), taskIds: new Set(), characters: 0 }
}

export function refuse(at: At, words: string): void {
  at.report.problems.push(`[ERROR] ${words} [json-pointer:${at.path}]`)
}

export function below(at: At, key: string | number): At {
  return { path: `${at.path}/${key}`, report: at.report }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function required(rule: Rule): Rule {
  return { ...rule, required: true }
}

export function string(
  bounds: { max?: number; min?: number; oneOf?: readonly string[]; pattern?: RegExp } = {},
): Rule {
  const { min = 1, max = Infinity, oneOf, pattern } = bounds
  return {
    check(value, at) {
      if (typeof value !== 'string') return refuse(at, 'must be a string')
      if (value.length < min) refuse(at, `must be more than ${min - 1} characters`)
      if (value.length > max) refuse(at, `must be less than ${max + 1} characters`)
      if (oneOf !== undefined && !oneOf.includes(value)) refuse(at, `must be one of ${oneOf.join(', ')}`)
      if (pattern !== undefined && !pattern.test(value)) refuse(at, `must match ${pattern.source}`)
    },
  }
}

/** A string that a person reads: it counts towards the message's total. */
export function words(max: number, min = 1): Rule {
  const rule = string({ max, min })
  return {
    check(value, at) {
      rule.check(value, at)
      if (typeof value === 'string') at.report.characters += value.length
    },
  }
}

export const boolean: Rule = {
  check: (value, at) => typeof value === 'boolean' || refuse(at, 'must be a boolean'),
}

export function number(bounds: { min?: number; max?: number; integer?: boolean } = {}): Rule {
  return {
    check(value, at) {
      if (typeof value !== 'number' || !Number.isFinite(value)) return refuse(at, 'must be a number')
      if (bounds.integer === true && !Number.isInteger(value)) refuse(at, 'must be an integer')
      if (bounds.min !== undefined && value < bounds.min) refuse(at, `must be no less than ${bounds.min}`)
      if (bounds.max !== undefined && value > bounds.max) refuse(at, `must be no more than ${bounds.max}`)
    },
  }
}

export function list(item: Rule, bounds: { min?: number; max: number }): Rule {
  const { min = 1, max } = bounds
  return {
    check(value, at) {
      if (!Array.isArray(value)) return refuse(at, 'must be an array')
      if (value.length > max) refuse(at, `no more than ${max} items allowed`)
      if (value.length < min) refuse(at, `no fewer than ${min} items allowed`)
      for (const [index, one] of value.entries()) item.check(one, below(at, index))
    },
  }
}

export function object(fields: Record<string, Rule>, also?: (value: Json, at: At) => void): Rule {
  return {
    check(value, at) {
      if (!isObject(value)) return refuse(at, 'must be an object')
      for (const key of Object.keys(value)) {
        if (!Object.hasOwn(fields, key)) refuse(at, `invalid additional property: ${key}`)
      }
      for (const [key, rule] of Object.entries(fields)) {
        if (value[key] !== undefined) rule.check(value[key], below(at, key))
        else if (rule.required === true) refuse(at, `missing required field: ${key}`)
      }
      also?.(value, at)
    },
  }
}

/** One of several objects told apart by their `type`. */
export function byType(what: string, kinds: () => Record<string, Rule>): Rule {
  return {
    check(value, at) {
      if (!isObject(value)) return refuse(at, 'must be an object')
      const known = kinds()
      const type = value['type']
      if (typeof type !== 'string') return refuse(at, 'missing required field: type')
      if (!Object.hasOwn(known, type)) return refuse(below(at, 'type'), `unsupported type: ${type} (${what})`)
      known[type]?.check(value, at)
    },
  }
}

export const type = (name: string): Rule => required(string({ oneOf: [name] }))
export const id = string({ max: limits.id })
export const url = string({ max: limits.button.url, pattern: /^(https?|mailto|slack):/ })

export function plainText(max: number): Rule {
  return object({ type: type('plain_text'), text: required(words(max)), emoji: boolean })
}

export function mrkdwn(max: number): Rule {
  return object({ type: type('mrkdwn'), text: required(words(max)), verbatim: boolean })
}

export function anyText(max: number): Rule {
  const kinds = { plain_text: plainText(max), mrkdwn: mrkdwn(max) }
  return byType('text', () => kinds)
}
