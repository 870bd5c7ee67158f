import { databaseUrlOf, schemeOf, sourceOf } from './database.ts'
import type { DriverCatalogue, SourceFacts } from './catalogue.ts'
import { checkCompression } from './check-places.ts'
import { examine, type Examination } from './examine.ts'
import { nearest } from './nearest.ts'
import { child, isMapping, valueAt } from './pointer.ts'
import type { StrategyFile } from './schema/strategy.ts'
import { shorten, shown } from './shown.ts'
import { readings } from './readings.ts'

export interface NamedStrategy {
  name: string
  pointer: string
  strategy: StrategyFile
}

/** Kinds of database that are known but not built yet. */
const comingSources: Record<string, string> = {
  mysql: 'MySQL',
  mariadb: 'MariaDB',
  mongodb: 'MongoDB',
  'mongodb+srv': 'MongoDB',
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

/** What the schema alone cannot tell of the strategies: names, databases, options. */
export function checkStrategies(examination: Examination, catalogue: DriverCatalogue): void {
  const named = strategiesOf(examination.root)
  checkNames(named, examination)
  for (const { pointer, strategy } of named) {
    const source = checkDatabase(strategy, pointer, examination, catalogue)
    checkUrl(strategy.dump_url, child(pointer, 'dump_url'), source, examination, catalogue)
    checkRestoreUrl(strategy, pointer, source, examination, catalogue)
    if (source) checkOptions(strategy, pointer, source, examination)
    checkCompression(strategy.compression, child(pointer, 'compression'), examination, catalogue)
  }
}

function checkNames(named: NamedStrategy[], { root, findings, places }: Examination): void {
  const inList = Array.isArray(root.strategies)
  const seen = new Set<string>()
  for (const { name, pointer, strategy } of named) {
    const at = inList ? child(pointer, 'name') : pointer
    const wrong = inList ? null : readings.name(name)
    if (wrong) findings.mistake(at, wrong.mistake, wrong.hint, places.keys.get(pointer))
    if (inList && typeof strategy === 'object' && seen.has(name) && findings.clean(at))
      findings.mistake(at, `the name ${shown(name)} is there twice`, 'give each strategy its own name')
    seen.add(name)
  }
}

/** @returns the driver, when there is one and nothing is wrong with the database */
function checkDatabase(
  strategy: StrategyFile,
  pointer: string,
  examination: Examination,
  catalogue: DriverCatalogue,
): SourceFacts | null {
  const { findings, places } = examination
  const at = { url: child(pointer, 'database_url'), connection: child(pointer, 'connection') }
  if (!findings.clean(at.url) || !findings.clean(at.connection)) return null
  if (strategy.database_url === undefined && strategy.connection === undefined) {
    const instead = 'write database_url: postgres://user:${DB_PASSWORD}@host:5432/name'
    findings.mistake(at.url, 'the database is missing', instead)
    return null
  }
  if (strategy.database_url !== undefined && strategy.connection !== undefined) {
    const wrong = 'the database is given twice'
    findings.mistake(
      at.connection,
      wrong,
      'keep either database_url or connection',
      places.keys.get(at.connection),
    )
    return null
  }
  if (strategy.database_url !== undefined)
    return checkUrl(strategy.database_url, at.url, null, examination, catalogue)
  return checkConnection(strategy, at.connection, examination, catalogue)
}

function checkConnection(
  strategy: StrategyFile,
  pointer: string,
  examination: Examination,
  catalogue: DriverCatalogue,
): SourceFacts | null {
  const type = strategy.connection!.type
  const source = sourceOf(`${type}:`, catalogue)
  if (!source) return reportUnknown(type.toLowerCase(), child(pointer, 'type'), examination, catalogue)
  return judgeUrl(databaseUrlOf(strategy, catalogue)!, pointer, source, examination)
}

/** @param own the driver of the strategy's database; another URL must be for the same one */
function checkUrl(
  url: unknown,
  pointer: string,
  own: SourceFacts | null,
  examination: Examination,
  catalogue: DriverCatalogue,
): SourceFacts | null {
  if (typeof url !== 'string') return null
  if (!examination.findings.clean(pointer)) return null
  const source = sourceOf(url, catalogue)
  if (!source) return reportUnknown(schemeOf(url), pointer, examination, catalogue)
  if (own && own !== source) {
    const wrong = `a ${source.name} URL, but the database is ${own.name}`
    examination.findings.mistake(pointer, wrong, `write a URL that begins with ${own.schemes[0]}:`)
    return null
  }
  return judgeUrl(url, pointer, source, examination)
}

/** The strategy's own, else the one of all: it has to be for this kind of database. */
function checkRestoreUrl(
  { restore }: StrategyFile,
  pointer: string,
  source: SourceFacts | null,
  examination: Examination,
  catalogue: DriverCatalogue,
): void {
  const own = isMapping(restore) ? restore.database_url : undefined
  const shared = valueAt(examination.root, '/global/restore/database_url')
  const place = own === undefined ? '/global' : pointer
  checkUrl(own ?? shared, `${place}/restore/database_url`, source, examination, catalogue)
}

function judgeUrl(
  url: string,
  pointer: string,
  source: SourceFacts,
  { findings, secrets }: Examination,
): SourceFacts | null {
  const judged = source.parseUrl(url)
  if ('mistake' in judged) {
    findings.mistake(pointer, judged.mistake, judged.hint)
    return null
  }
  for (const secret of judged.secrets) secrets.add(secret)
  return source
}

function reportUnknown(
  scheme: string | null,
  pointer: string,
  { findings }: Examination,
  catalogue: DriverCatalogue,
): null {
  const schemes = catalogue.sources.flatMap((source) => source.schemes)
  const coming = scheme === null ? undefined : comingSources[scheme]
  const near = scheme === null ? null : nearest(scheme, schemes)
  const begin = `write a URL that begins with ${catalogue.sources.map((source) => `${source.schemes[0]}://`).join(' or ')}`
  if (coming) findings.mistake(pointer, `${coming} comes with a later release`, 'remove this strategy')
  else if (scheme === null) findings.mistake(pointer, 'this is not a database URL', begin)
  else
    findings.mistake(
      pointer,
      `${shown(shorten(scheme))} is not a known kind of database`,
      near ? `did you mean ${near}?` : begin,
    )
  return null
}

function checkOptions(
  strategy: StrategyFile,
  pointer: string,
  source: SourceFacts,
  examination: Examination,
): void {
  if (isMapping(strategy.options))
    examine(source.options, strategy.options, child(pointer, 'options'), examination)
}
