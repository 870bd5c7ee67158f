import type { ErrorObject } from 'ajv'
import { inline } from './inline.ts'
import { nearest } from '../core/nearest.ts'
import { oneOf, suggest } from './nearest.ts'
import { globalKeys } from './schema/file.ts'
import { strategyKeys } from './schema/strategy.ts'
import type { Later } from './schema/words.ts'
import { shown } from './shown.ts'
import { steps } from './pointer.ts'

export interface Words {
  wrong: string
  instead: string
  /** When the mistake is about a key of the group and not about the value. */
  key?: string
}

interface Facts {
  type?: string
  expected?: string
  instead?: string
  examples?: unknown[]
  default?: unknown
  enum?: unknown[]
  later?: Later
  properties?: Record<string, Facts>
}

/** An error of the validator in plain words, with what to write instead. */
export function wordsFor(error: ErrorObject, pointer: string): Words {
  const facts = (error.parentSchema ?? {}) as Facts
  const params = error.params as Record<string, unknown>
  if (error.data === null) return wrongType(null, facts)
  switch (error.keyword) {
    case 'reads':
      return { wrong: error.message ?? 'is not understood', instead: String(params.hint) }
    case 'additionalProperties':
      return unknownKey(String(params.additionalProperty), facts, pointer)
    case 'required':
      return missingKey(String(params.missingProperty), facts)
    case 'enum':
    case 'const':
      return wrongChoice(error, facts)
    case 'minimum':
    case 'maximum':
      return {
        wrong: `${shown(error.data)} is too ${error.keyword === 'minimum' ? 'small' : 'large'}`,
        instead: `write ${params.limit as number} or ${error.keyword === 'minimum' ? 'more' : 'less'}`,
      }
    case 'minItems':
    case 'minProperties':
    case 'minLength':
      return { wrong: 'is empty', instead: example(facts) }
    case 'pattern':
      return {
        wrong: `${shown(error.data)} is not ${facts.expected ?? 'of the right form'}`,
        instead: example(facts),
      }
    default:
      return wrongType(error.data, facts)
  }
}

function wrongType(value: unknown, facts: Facts): Words {
  if (value === null) return { wrong: 'is empty', instead: `${example(facts)}, or remove the line` }
  const wrong = `${shown(value)} is not ${facts.expected ?? typeWords[facts.type ?? ''] ?? 'understood here'}`
  const quotable = facts.type === 'string' && (typeof value === 'number' || typeof value === 'boolean')
  return { wrong, instead: quotable ? 'put it in quotes' : example(facts) }
}

const typeWords: Record<string, string> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a group of keys',
}

function example(facts: Facts): string {
  if (facts.instead !== undefined) return facts.instead
  if (facts.type === 'boolean') return 'write true or false'
  const first = facts.examples?.[0] ?? facts.default
  if (facts.enum) return `write ${oneOf(facts.enum.map(String))}`
  if (first !== undefined) return `write ${typeof first === 'string' ? first : inline(first)}`
  if (facts.type === 'array') return 'write a list: [one, two]'
  if (facts.properties) return `write its keys: ${builtKeys(facts).slice(0, 4).join(', ')} …`
  return facts.type === 'integer' ? 'write a whole number such as 2' : 'write a value'
}

/** Without those that come later. */
function builtKeys({ properties = {} }: Facts): string[] {
  return Object.keys(properties).filter((key) => !properties[key]!.later)
}

function wrongChoice(error: ErrorObject, facts: Facts): Words {
  const allowed = error.keyword === 'enum' ? (facts.enum ?? []) : [error.schema]
  const words = allowed.map(String)
  const wrong = `${shown(error.data)} is not possible here`
  return { wrong, instead: suggest(typeof error.data === 'string' ? error.data : '', words) }
}

function missingKey(key: string, facts: Facts): Words {
  const first = facts.properties?.[key]?.examples?.[0]
  const value = first === undefined ? '' : ` ${typeof first === 'string' ? first : inline(first)}`
  return { wrong: 'is missing', instead: `write ${key}:${value}`, key }
}

function unknownKey(key: string, facts: Facts, pointer: string): Words {
  const known = Object.keys(facts.properties ?? {})
  const place = elsewhere(key, pointer)
  const near = nearest(key, known)
  const wrong = place?.wrong ?? 'unknown key'
  const instead =
    place?.instead ??
    (near ? `did you mean ${near}?` : known.length > 12 ? 'remove it' : `write ${oneOf(builtKeys(facts))}`)
  return { wrong, instead, key }
}

/** Keys that exist, one level up or down. */
function elsewhere(key: string, pointer: string): Omit<Words, 'key'> | null {
  const path = steps(pointer)
  const forAll = Object.hasOwn(globalKeys, key)
  const forOne = Object.hasOwn(strategyKeys, key)
  if (path.length === 0 && forAll)
    return { wrong: 'this key belongs under global', instead: `write it under global:` }
  if (path[0] === 'global' && path.length === 1 && forOne)
    return { wrong: 'this key belongs to a strategy', instead: 'write it in each strategy' }
  if (path[0] === 'strategies' && path.length === 2 && forAll)
    return { wrong: 'this key holds for the whole service', instead: 'write it under global:' }
  if (path[0] === 'strategies' && path.length === 2 && key === 'name')
    return { wrong: 'the name stands before the colon already', instead: 'remove it' }
  if (
    path.at(-1) === 'slack' &&
    path[0] === 'strategies' &&
    ['bot_token', 'app_token', 'api_url', 'blocks'].includes(key)
  )
    return {
      wrong: 'the connection to Slack is one for the whole service',
      instead: 'write it under global.slack',
    }
  return null
}
