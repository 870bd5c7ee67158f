import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Alias,
  type Document,
  type Node,
  type YAMLError,
  type YAMLMap,
} from 'yaml'
import { child } from './pointer.ts'
import { spot, type Findings } from './findings.ts'
import { shorten } from './shown.ts'
import { yamlMistake } from './yaml-mistakes.ts'

/** More than any real file needs; less than what would hang the service. */
const largest = { characters: 1_000_000, values: 20_000, depth: 40, brackets: 200 }

/** Where each value and key stands in the text, by JSON pointer. */
export interface Places {
  lines: LineCounter
  values: Map<string, { start: number; end: number }>
  keys: Map<string, number>
}

interface Reading {
  places: Places
  findings: Findings
  anchors: Map<string, Node>
  open: Set<Node>
  values: number
}

/** Reads YAML into plain values that remember their place. Mistakes of spelling are findings; what could be read is returned.
 * @returns undefined when nothing can be made of it */
export function readDocument(text: string, places: Places, findings: Findings): unknown {
  if (text.length > largest.characters) {
    findings.mistakeAt(0, {
      wrong: 'the file is larger than 1 MB',
      instead: 'a configuration is a few pages',
    })
    return undefined
  }
  if (nestsTooDeep(text)) {
    findings.mistakeAt(0, { wrong: 'the file nests too deep', instead: 'close its brackets' })
    return undefined
  }
  const document = parse(text, places, findings)
  if (!document) return undefined
  const reading: Reading = { places, findings, anchors: new Map(), open: new Set(), values: 0 }
  if (isMap(document.contents)) return readNode(document.contents, '', reading)
  const start = document.contents?.range?.[0] ?? 0
  const empty =
    document.contents === null || (isScalar(document.contents) && document.contents.value === null)
  const wrong = empty ? 'the file is empty' : 'the file is not a group of keys'
  findings.mistakeAt(start, { wrong, instead: 'start it with strategies:' })
  return undefined
}

/** The parser needs the square of the depth: what is far too deep never gets there. */
function nestsTooDeep(text: string): boolean {
  let open = 0
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    open = Math.max(0, open + (bracket === '[' || bracket === '{' ? 1 : -1))
    if (open > largest.brackets) return true
  }
  return false
}

export function newPlaces(): Places {
  return { lines: new LineCounter(), values: new Map(), keys: new Map() }
}

function parse(text: string, places: Places, findings: Findings): Document.Parsed | null {
  let documents
  try {
    documents = [
      ...parseAllDocuments(text, { lineCounter: places.lines, prettyErrors: false, uniqueKeys: false }),
    ]
  } catch {
    findings.mistakeAt(0, {
      wrong: 'the file cannot be read as YAML',
      instead: 'check its brackets and quotes',
    })
    return null
  }
  const [first, second] = documents
  if (!first) {
    findings.mistakeAt(0, { wrong: 'the file is empty', instead: 'start it with strategies:' })
    return null
  }
  if (second) {
    findings.mistakeAt(second.range[0], {
      wrong: 'the file holds several documents',
      instead: 'remove the line ---',
    })
    return null
  }
  return reportSpelling(first, text, findings) ? null : first
}

/** One broken spot makes the parser stumble many times: of those only the first is said.
 * @returns whether the document is beyond reading */
function reportSpelling(document: Document.Parsed, text: string, findings: Findings): boolean {
  const all: YAMLError[] = [...document.errors, ...document.warnings]
  const alone = all.filter(({ code }) => standsAlone.has(code))
  const broken = all.filter(({ code }) => !standsAlone.has(code)).sort((a, b) => a.pos[0] - b.pos[0])
  for (const error of [...alone, ...broken.slice(0, 1)]) {
    findings.mistakeAt(error.pos[0], { pointer: spot(error.pos[0]), ...yamlMistake(error, text) })
  }
  return broken.length > 0 || alone.some(({ code }) => code === 'TAB_AS_INDENT')
}

const standsAlone = new Set(['TAB_AS_INDENT', 'TAG_RESOLVE_FAILED'])

function readNode(node: unknown, pointer: string, reading: Reading): unknown {
  const { findings, places } = reading
  const { range, anchor, tag } = node as Node & { anchor?: string }
  const start = range?.[0] ?? 0
  if (!places.values.has(pointer)) places.values.set(pointer, { start, end: range?.[1] ?? start })
  reading.values += 1
  if (reading.values > largest.values || pointer.split('/').length > largest.depth) {
    const wrong = 'the file grows too large when its aliases are followed, or nests too deep'
    findings.mistakeAt(start, { wrong, instead: 'write fewer aliases (*name)' })
    return undefined
  }
  if (tag) {
    const wrong = `the tag ${shorten(tag.replace('tag:yaml.org,2002:', '!!'))} is not known`
    findings.mistakeAt(start, { pointer, wrong, instead: 'remove it' })
  }
  if (anchor) reading.anchors.set(anchor, node as Node)
  if (isAlias(node)) return readAlias(node, pointer, reading)
  if (isMap(node)) return readMap(node, pointer, reading)
  if (isSeq(node)) return node.items.map((item, index) => readNode(item, child(pointer, index), reading))
  return isScalar(node) ? node.value : null
}

function readAlias(alias: Alias, pointer: string, reading: Reading): unknown {
  const target = reading.anchors.get(alias.source)
  const start = alias.range?.[0] ?? 0
  if (!target || reading.open.has(target)) {
    const wrong = target
      ? `*${alias.source} holds itself`
      : `*${shorten(alias.source)} names no anchor above it`
    reading.findings.mistakeAt(start, { pointer, wrong, instead: 'write the value itself' })
    return undefined
  }
  reading.open.add(target)
  reading.places.values.delete(pointer) // a mistake is shown where it is written
  const value = readNode(target, pointer, reading)
  reading.open.delete(target)
  return value
}

function readMap(map: YAMLMap, pointer: string, reading: Reading): Record<string, unknown> {
  const entries: Record<string, unknown> = {}
  reading.open.add(map)
  for (const { key, value } of map.items) {
    const start = (key as Node | null)?.range?.[0] ?? map.range?.[0] ?? 0
    const name = isScalar(key) && key.value !== null ? String(key.value as string | number | boolean) : null
    const refused = refusedKeys.get(name)
    if (name === null || refused) {
      const at = name === null ? spot(start) : child(pointer, name)
      reading.findings.mistakeAt(start, { pointer: at, ...(refused ?? noWord) })
      continue
    }
    const place = child(pointer, name)
    if (Object.hasOwn(entries, name)) {
      const twice = { wrong: 'this key is there twice', instead: 'remove one of them' }
      reading.findings.mistakeAt(start, { pointer: spot(start, place), ...twice })
      continue
    }
    if (!reading.places.keys.has(place)) reading.places.keys.set(place, start)
    entries[name] = value === null ? null : readNode(value, place, reading)
    if (!reading.places.values.has(place)) reading.places.values.set(place, { start, end: start })
  }
  reading.open.delete(map)
  return entries
}

const noWord = { wrong: 'a key is not a word', instead: 'remove it' }

/** `__proto__` would change objects in place of filling them. */
const refusedKeys = new Map<string | null, { wrong: string; instead: string }>([
  ['__proto__', { wrong: 'unknown key', instead: 'remove it' }],
  ['<<', { wrong: 'merging with << is not supported', instead: 'write what is shared under global' }],
])
