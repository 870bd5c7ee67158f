import type { TSchema } from 'typebox'
import type { DriverCatalogue } from './catalogue.ts'
import type { Findings } from './findings.ts'
import { child, isMapping } from './pointer.ts'
import type { Later } from './schema/words.ts'
import { urlSecrets } from './secrets.ts'
import { fits, validate, type Part } from './validate.ts'

/** One file while it is being judged. */
export interface Examination {
  root: Record<string, unknown>
  drivers: DriverCatalogue
  findings: Findings
  fromOutside: Set<string>
  /** Every secret value found so far. */
  secrets: Set<string>
  /** Where whole values are secret, and where values are URLs that may hold one. */
  secretPlaces: Set<string>
  urlPlaces: Set<string>
  /** Of paths relative to the folder of the file. */
  readFile(path: string): string
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
export function examine(schema: TSchema, part: Part, examination: Examination): void {
  walk(schema as Node, part, examination)
  validate(schema, part, examination.findings)
}

function walk(node: Node, part: Part, examination: Examination): void {
  const { value, at } = part
  if (node.later && value !== undefined) return reportLater(node.later, at, examination)
  const meant = node.anyOf?.find((branch) => fits(branch, value))
  if (meant) walk(meant, part, examination)
  noteSecrets(node, part, examination)
  for (const [key, inner] of entriesOf(value)) {
    const place = child(at, key)
    const below = schemaOf(node, key)
    if (!below) continue
    const typed = examination.fromOutside.has(place) ? asWanted(below, inner) : inner
    if (typed !== inner) (value as Record<string, unknown>)[key] = typed
    walk(below, { value: typed, at: place }, examination)
  }
}

function reportLater({ what, instead = 'remove it' }: Later, at: string, { findings }: Examination): void {
  findings.silence(at)
  findings.keyMistake(at, `${what} comes with the next release`, instead)
}

function noteSecrets(node: Node, { value, at }: Part, examination: Examination): void {
  if (node.url) {
    examination.urlPlaces.add(at)
    for (const secret of urlSecrets(String(value))) examination.secrets.add(secret)
  }
  if (!node.secret || (typeof value !== 'string' && typeof value !== 'number')) return
  examination.secrets.add(String(value))
  examination.secretPlaces.add(at)
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
