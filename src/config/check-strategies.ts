import { composeUrl, schemeOf, sourceOf, type Connection } from './database.ts'
import type { SourceFacts } from './catalogue.ts'
import { checkDatabases } from './databases.ts'
import { checkCompression } from './check-places.ts'
import { checkClones } from './clones.ts'
import { checkDrill } from './drill.ts'
import { checkHooks } from './hooks.ts'
import { examine, type Examination } from './examine.ts'
import { nearest } from '../core/nearest.ts'
import { child, isMapping, valueAt } from './pointer.ts'
import type { StrategyFile } from './schema/strategy.ts'
import { shown } from './shown.ts'
import { checkTunnel } from './tunnel.ts'
import { readings } from './readings.ts'

export interface NamedStrategy {
  name: string
  pointer: string
  strategy: StrategyFile
}

/** The strategies of a list or a map. What is not even a group of keys was said before and is left out. */
export function strategiesOf(root: Record<string, unknown>): NamedStrategy[] {
  const { strategies } = root
  if (!Array.isArray(strategies) && !isMapping(strategies)) return []
  return Object.entries(strategies).flatMap(([key, strategy]) =>
    isMapping(strategy)
      ? [
          {
            name: Array.isArray(strategies) ? String(strategy.name) : key,
            pointer: child('/strategies', key),
            strategy: strategy as StrategyFile,
          },
        ]
      : [],
  )
}

/** Looked at before the schema is: of a whole server it alone would ask for a database as if that one were backed up. */
export function checkServers({ root, findings }: Examination): void {
  for (const { pointer, strategy } of strategiesOf(root)) {
    const { databases, connection } = strategy
    if (databases === undefined || !isMapping(connection) || Object.hasOwn(connection, 'database')) continue
    const name = /^postgres(ql)?$/i.test(String(connection.type)) ? 'postgres' : 'one of them'
    findings.keyMistake(
      child(child(pointer, 'connection'), 'database'),
      'is missing',
      `write database: ${name} (where the list of databases is read)`,
    )
  }
}

/** What the schema alone cannot tell of the strategies: names, databases, options. */
export function checkStrategies(examination: Examination): void {
  const named = strategiesOf(examination.root)
  checkNames(named, examination)
  const known = named.filter((one) => isReadable(one, examination))
  checkDrill(valueAt(examination.root, '/global/drill'), '/global/drill', examination)
  checkHooks(valueAt(examination.root, '/global/hooks'), '/global/hooks', examination)
  for (const { pointer: at, strategy } of named) {
    const source = checkDatabase(strategy, at, examination)
    checkUrl({ url: strategy.dump_url, at: child(at, 'dump_url'), own: source }, examination)
    checkRestoreUrl(strategy, { at, own: source }, examination)
    checkDrillOf(strategy, { at, own: source }, examination)
    checkTunnel(strategy, { at, own: source }, examination)
    checkHooks(strategy.hooks, child(at, 'hooks'), examination)
    checkDatabases(strategy, { at, own: source }, examination.findings)
    if (source && isMapping(strategy.options))
      examine(source.options, { value: strategy.options, at: child(at, 'options') }, examination)
    checkCompression({ value: strategy.compression, at: child(at, 'compression') }, examination)
    if (source) checkClonesOf(strategy, { at, own: source, named: known }, examination)
  }
}

/** Its name and its databases have the form that the schema wants: only then can another strategy's places be compared with them. */
function isReadable({ pointer }: NamedStrategy, { findings }: Examination): boolean {
  const keys = ['name', 'database_url', 'connection', 'dump_url', 'databases']
  return keys.every((key) => findings.clean(child(pointer, key)))
}

function checkNames(named: NamedStrategy[], { root, findings }: Examination): void {
  const inList = Array.isArray(root.strategies)
  const seen = new Set<string>()
  for (const { name, pointer } of named) {
    const at = inList ? child(pointer, 'name') : pointer
    const wrong = inList ? null : readings.name(name)
    if (wrong) findings.keyMistake(at, wrong.mistake, wrong.hint)
    if (inList && seen.has(name) && findings.clean(at))
      findings.mistake(at, `the name ${shown(name)} is there twice`, 'give each strategy its own name')
    seen.add(name)
  }
}

/** @returns the driver, when there is one and nothing is wrong with the database */
function checkDatabase(strategy: StrategyFile, at: string, examination: Examination): SourceFacts | null {
  const { findings } = examination
  const { database_url: url, connection } = strategy
  const places = { url: child(at, 'database_url'), connection: child(at, 'connection') }
  if (!findings.clean(places.url) || !findings.clean(places.connection)) return null
  if (url !== undefined && connection !== undefined) {
    const instead = 'keep either database_url or connection'
    findings.keyMistake(places.connection, 'the database is given twice', instead)
    return null
  }
  if (connection !== undefined) return checkConnection(connection, places.connection, examination)
  if (url !== undefined) return checkUrl({ url, at: places.url, own: null }, examination)
  const instead = 'write database_url: postgres://user:${DB_PASSWORD}@host:5432/name'
  findings.mistake(places.url, 'the database is missing', instead)
  return null
}

function checkConnection(connection: Connection, at: string, examination: Examination): SourceFacts | null {
  const source = sourceOf(`${connection.type}:`, examination.drivers)
  if (!source) return reportUnknown(connection.type.toLowerCase(), child(at, 'type'), examination)
  const { findings } = examination
  const broken = (['user', 'password', 'database'] as const).find(
    (key) => !(connection[key] ?? '').isWellFormed(),
  )
  if (broken) {
    findings.mistake(
      child(at, broken),
      'it holds half of a character',
      'write it as text, without \\u escapes',
    )
    return null
  }
  return judgeUrl(source, { url: composeUrl(connection, source), at }, examination)
}

interface UrlPart {
  url: unknown
  at: string
  /** The driver of the strategy's database: another URL must be for the same one. */
  own: SourceFacts | null
}

function checkUrl({ url, at, own }: UrlPart, examination: Examination): SourceFacts | null {
  if (typeof url !== 'string' || !examination.findings.clean(at)) return null
  const source = sourceOf(url, examination.drivers)
  if (!source) return reportUnknown(schemeOf(url), at, examination)
  if (!own || own === source) return judgeUrl(source, { url, at }, examination)
  const wrong = `a ${source.name} URL, but the database is ${own.name}`
  examination.findings.mistake(at, wrong, `write a URL that begins with ${own.schemes[0]}:`)
  return null
}

/** The strategy's own, else the one of all: it has to be for this kind of database. */
function checkRestoreUrl(
  { restore }: StrategyFile,
  { at, own }: Omit<UrlPart, 'url'>,
  examination: Examination,
): void {
  const url = isMapping(restore) ? restore.database_url : undefined
  const shared = '/global/restore/database_url'
  if (url !== undefined) checkUrl({ url, at: `${at}/restore/database_url`, own }, examination)
  else checkUrl({ url: valueAt(examination.root, shared), at: shared, own }, examination)
}

/** The strategy's own, else the one of all. */
function checkDrillOf(
  { drill }: StrategyFile,
  { at, own }: Omit<UrlPart, 'url'>,
  examination: Examination,
): void {
  const place = drill === undefined ? '/global/drill' : child(at, 'drill')
  const rule = drill ?? valueAt(examination.root, place)
  if (drill !== undefined) checkDrill(drill, place, examination)
  const url = isMapping(rule) ? rule.database_url : undefined
  checkUrl({ url, at: child(place, 'database_url'), own }, examination)
}

function checkClonesOf(
  { clones }: StrategyFile,
  { at, own, named }: { at: string; own: SourceFacts; named: NamedStrategy[] },
  examination: Examination,
): void {
  const judge = (url: string, place: string): boolean =>
    checkUrl({ url, at: place, own }, examination) !== null
  checkClones(clones, { at: child(at, 'clones'), own, named, judge }, examination)
}

function judgeUrl(
  source: SourceFacts,
  { url, at }: { url: string; at: string },
  { findings, secrets }: Examination,
): SourceFacts | null {
  const judged = source.parseUrl(url)
  if ('mistake' in judged) {
    findings.mistake(at, judged.mistake, judged.hint)
    return null
  }
  for (const secret of judged.secrets) secrets.add(secret)
  return source
}

function reportUnknown(scheme: string | null, at: string, { findings, drivers }: Examination): null {
  const begin = `write a URL that begins with ${drivers.sources.map(({ schemes }) => `${schemes[0]}://`).join(' or ')}`
  if (scheme === null) {
    findings.mistake(at, 'this is not a database URL', begin)
  } else {
    const near = nearest(
      scheme,
      drivers.sources.flatMap(({ schemes }) => schemes),
    )
    const instead = near ? `did you mean ${near}?` : begin
    findings.mistake(at, `${shown(scheme)} is not a known kind of database`, instead)
  }
  return null
}
