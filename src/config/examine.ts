import type { TSchema } from 'typebox'
import type { Places } from './document.ts'
import type { Findings } from './findings.ts'
import { child, isMapping } from './pointer.ts'
import type { Later } from './schema/words.ts'
import { urlSecrets } from './secrets.ts'
import { fits, validate } from './validate.ts'

/** One file while it is being judged. */
export interface Examination {
  root: Record<string, unknown>
  places: Places
  findings: Findings
  fromOutside: Set<string>
  /** Every secret value found so far. */
  secrets: Set<string>
  /** Where whole values are secret, and where values are URLs that may hold one. */
  secretPlaces: Set<string>
  urlPlaces: Set<string>
}

/** What this walker reads of a schema. */
interface Node {
  type?: string
  reads?: string
  secret?: true
  url?: true
  later?: Later
  anyOf?: Node[]
  properties?: Record<string, Node>
  patternProperties?: Record<string, Node>
  items?: Node
}

/** Judges one value by its schema: numbers from outside become numbers, secrets are noted, what is not built yet stops the
 * start, and everything that does not fit is a mistake. */
export function examine(
  schema: TSchema,
  value: Record<string, unknown>,
  base: string,
  examination: Examination,
): void {
  walk(schema as Node, value, base, examination)
  validate(schema, value, base, examination)
}

function walk(node: Node, value: unknown, pointer: string, examination: Examination): void {
  if (node.later && value !== undefined) return reportLater(node.later, pointer, examination)
  if (node.anyOf) {
    const meant = node.anyOf.find((branch) => fits(branch, value))
    if (meant) walk(meant, value, pointer, examination)
  }
  noteSecrets(node, value, pointer, examination)
  for (const [key, inner] of entriesOf(value)) {
    const place = child(pointer, key)
    const below = schemaOf(node, key)
    if (!below) continue
    const typed = examination.fromOutside.has(place) ? asWanted(below, inner) : inner
    if (typed !== inner) (value as Record<string, unknown>)[key] = typed
    walk(below, typed, place, examination)
  }
}

function reportLater(
  { what, instead = 'remove it' }: Later,
  pointer: string,
  { findings, places }: Examination,
): void {
  findings.silence(pointer)
  findings.mistake(pointer, `${what} comes with the next release`, instead, places.keys.get(pointer))
}

function noteSecrets(node: Node, value: unknown, pointer: string, examination: Examination): void {
  if (node.url) {
    examination.urlPlaces.add(pointer)
    for (const secret of urlSecrets(String(value))) examination.secrets.add(secret)
  }
  if (!node.secret || (typeof value !== 'string' && typeof value !== 'number')) return
  examination.secrets.add(String(value))
  examination.secretPlaces.add(pointer)
}

function entriesOf(value: unknown): [string, unknown][] {
  return isMapping(value) || Array.isArray(value) ? Object.entries(value) : []
}

function schemaOf(node: Node, key: string): Node | undefined {
  if (node.properties && Object.hasOwn(node.properties, key)) return node.properties[key]
  return node.items ?? Object.values(node.patternProperties ?? {})[0]
}

/** `${PORT}` is text; where a number or a switch is wanted, it is read as one. */
function asWanted(node: Node, value: unknown): unknown {
  if (typeof value !== 'string') return value
  const wanted = node.anyOf?.map(({ type }) => type) ?? [node.type]
  if ((wanted.includes('integer') || wanted.includes('number')) && /^-?(?:0|[1-9]\d{0,14})$/.test(value))
    return Number(value)
  if (wanted.includes('boolean') || node.reads === 'tls')
    return value === 'true' ? true : value === 'false' ? false : value
  return value
}
