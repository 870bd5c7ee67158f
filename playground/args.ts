/** Reads a Web API call as Slack does: a form whose structures are JSON text, or a JSON body. */
import type { IncomingMessage } from 'node:http'
import { Refusal, refusal } from './refusal.ts'
import { isObject } from './validate/rules.ts'
import type { Json } from './validate/rules.ts'

/** `!` marks what the method cannot do without. */
export type ArgKind = 'string' | 'string!' | 'boolean' | 'integer' | 'integer!' | 'json' | 'json!'

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export async function readArgs(request: IncomingMessage): Promise<{ args: Json; isForm: boolean }> {
  const query = Object.fromEntries(new URL(request.url ?? '/', 'http://localhost').searchParams)
  const kind = (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? ''
  const body = (await readBody(request)).toString()
  if (body === '') return { args: query, isForm: true }
  if (kind === 'application/x-www-form-urlencoded') {
    return { args: { ...query, ...Object.fromEntries(new URLSearchParams(body)) }, isForm: true }
  }
  if (kind !== 'application/json') throw new Refusal('invalid_post_type')
  return { args: { ...query, ...parseObject(body) }, isForm: false }
}

function parseObject(body: string): Json {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    throw new Refusal('invalid_json')
  }
  if (!isObject(value)) throw new Refusal('json_not_object')
  return value
}

/** Turns what came over the wire into the method's own types; refuses what is missing, unknown or of another type. */
export function typedArgs(given: Json, isForm: boolean, kinds: Record<string, ArgKind>): Json {
  const problems: string[] = []
  const typed: Json = {}
  for (const [name, value] of Object.entries(given)) {
    if (name === 'token' || name === 'team_id' || value === null || value === undefined) continue
    const kind = kinds[name]
    if (kind === undefined) problems.push(`[ERROR] unknown argument: ${name} [json-pointer:/${name}]`)
    else typed[name] = convert({ name, value, kind, isForm, problems })
  }
  for (const [name, kind] of Object.entries(kinds)) {
    if (kind.endsWith('!') && (typed[name] === undefined || typed[name] === ''))
      problems.push(`[ERROR] missing required field: ${name}`)
  }
  if (problems.length > 0) throw refusal('invalid_arguments', problems)
  return typed
}

interface Given {
  name: string
  value: unknown
  kind: ArgKind
  isForm: boolean
  problems: string[]
}

function convert(given: Given): unknown {
  const { value, kind, isForm } = given
  const bad = (words: string): void =>
    void given.problems.push(`[ERROR] must be ${words} [json-pointer:/${given.name}]`)
  if (kind.startsWith('string')) return typeof value === 'string' ? value : bad('a string')
  if (kind.startsWith('json')) return typeof value === 'string' ? parseStructure(given.name, value) : value
  if (kind === 'boolean') {
    if (typeof value === 'boolean') return value
    if (isForm && ['true', '1', 'false', '0'].includes(String(value)))
      return value === 'true' || value === '1'
    return bad('a boolean')
  }
  if (typeof value === 'number' && Number.isInteger(value)) return value
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return Number(value)
  return bad('an integer')
}

const wrongStructure: Record<string, string> = {
  blocks: 'invalid_blocks_format',
  metadata: 'invalid_metadata_format',
}

function parseStructure(name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw refusal(wrongStructure[name] ?? 'invalid_arguments', [
      `[ERROR] must be JSON [json-pointer:/${name}]`,
    ])
  }
}
