import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { TSchema } from 'typebox'
import type { Findings } from './findings.ts'
import { child, isMapping } from './pointer.ts'
import { readings, type Reading } from './readings.ts'
import { wordsFor } from './wording.ts'

const ajv = new Ajv2020({ allErrors: true, verbose: true, strictTypes: false, ownProperties: true })
ajv.addVocabulary(['secret', 'later', 'expected', 'instead', 'url', 'folder'])
ajv.addKeyword({ keyword: 'reads', schemaType: 'string', errors: true, validate: readKeyword })

const compiled = new WeakMap<TSchema, ValidateFunction>()

/** A value and where it stands in the file. */
export interface Part {
  value: unknown
  at: string
}

/** Checks a value against its schema and words each mistake for a person. */
export function validate(schema: TSchema, { value, at }: Part, findings: Findings): void {
  const check = compiled.get(schema) ?? ajv.compile(schema)
  compiled.set(schema, check)
  if (check(value)) return
  for (const error of withoutBranches(check.errors ?? [])) report(error, at, findings)
}

/** ajv reads the errors of a keyword from a property of its function. */
readKeyword.errors = [] as Partial<ErrorObject>[]
function readKeyword(reads: Reading, value: unknown): boolean {
  const wrong = readings[reads](value)
  if (wrong) readKeyword.errors = [{ keyword: 'reads', message: wrong.mistake, params: { hint: wrong.hint } }]
  return wrong === null
}

function report(error: ErrorObject, base: string, findings: Findings): void {
  const at = base + error.instancePath
  const { wrong, instead, key } = wordsFor(error, at)
  if (key === undefined) findings.mistake(at, wrong, instead)
  else findings.keyMistake(child(at, key), wrong, instead)
}

/** A value that may have one of several forms fails in each of them: what counts is the form it was meant to have. */
function withoutBranches(errors: readonly ErrorObject[]): ErrorObject[] {
  let left = [...errors]
  for (const choice of errors.filter(({ keyword }) => keyword === 'anyOf')) {
    const within = (error: ErrorObject) => error !== choice && belongsTo(error, choice)
    if (!left.includes(choice) || !left.some(within)) continue
    const meant = meantBranch(left.filter(within), choice)
    left = left.filter((error) =>
      meant.length > 0 ? error !== choice && (!within(error) || meant.includes(error)) : !within(error),
    )
  }
  return left
}

function belongsTo(error: ErrorObject, choice: ErrorObject): boolean {
  return (
    error.schemaPath.startsWith(`${choice.schemaPath}/`) &&
    (error.instancePath === choice.instancePath || error.instancePath.startsWith(`${choice.instancePath}/`))
  )
}

/** The errors of the branch whose type fits the value; none when no branch fits. */
function meantBranch(errors: ErrorObject[], choice: ErrorObject): ErrorObject[] {
  const branches = choice.schema as { type?: string; reads?: string }[]
  const index = branches.findIndex((branch) => fits(branch, choice.data))
  return index < 0
    ? []
    : errors.filter(({ schemaPath }) => schemaPath.startsWith(`${choice.schemaPath}/${index}/`))
}

/** Whether a schema is for this kind of value: group, list, text … */
export function fits(schema: { type?: string; reads?: string }, value: unknown): boolean {
  if (schema.type === undefined && schema.reads !== undefined)
    return typeof value === 'string' || typeof value === 'number'
  if (Array.isArray(value)) return schema.type === 'array'
  if (isMapping(value)) return schema.type === 'object'
  if (value === null) return false
  return schema.type === typeof value
}
