import { resolve as absolute } from 'node:path'
import type { CloneConfig } from '../core/clone.ts'
import { isChosen } from '../core/databases.ts'
import { parseDuration } from '../core/duration.ts'
import { spellHost } from '../core/tunnel.ts'
import type { SourceFacts } from './catalogue.ts'
import { databaseUrlOf, sourceOf } from './database.ts'
import { databasesOf } from './databases.ts'
import type { Examination } from './examine.ts'
import { child, isMapping } from './pointer.ts'
import { readings } from './readings.ts'
import type { StrategyFile } from './schema/strategy.ts'
import { shown } from './shown.ts'

type Written = NonNullable<StrategyFile['clones']>
type Named = readonly { name: string; strategy: StrategyFile }[]

/** What the schema alone cannot tell of a strategy's `clones`: names, and that no copy is made over what is backed up here.
 * @param about.named  the strategies whose databases can be read
 * @param about.judge  says what is wrong with one URL, and whether anything is */
export function checkClones(
  clones: unknown,
  about: {
    at: string
    own: SourceFacts
    named: Named
    judge: (url: string, at: string) => boolean
  },
  examination: Examination,
): void {
  const { findings } = examination
  const { at, own, named, judge } = about
  if (!isMapping(clones) || !findings.clean(at)) return
  for (const [name, place] of Object.entries(clones as Written)) {
    const here = child(at, name)
    const wrong = readings.name(name)
    if (wrong) findings.keyMistake(here, wrong.mistake, wrong.hint)
    const urlAt = child(here, 'database_url')
    if (!isMapping(place) || !findings.clean(urlAt) || !judge(place.database_url, urlAt)) continue
    const owner = ownerOf(place.database_url, { own, named }, examination)
    if (owner === null) continue
    const { name: whose, database } = owner
    if (owner.isWhole)
      findings.mistake(
        urlAt,
        `${shown(database)} is a database that strategy ${shown(whose)} backs up with its server: a copy would take its place`,
        `name another database, or exclude this one there: databases: { exclude: [${database}] }`,
      )
    else
      findings.mistake(
        urlAt,
        `this is the database of strategy ${shown(whose)} itself: a copy would take its place`,
        'name another database',
      )
  }
}

interface Owner {
  name: string
  database: string
  /** It takes every database of the server that is chosen. */
  isWhole: boolean
}

/** Whose database, or replica, it is; null = nobody's here. Other spellings of an address are found by the plan, which can ask. */
function ownerOf(
  url: string,
  { own, named }: { own: SourceFacts; named: Named },
  { drivers }: Examination,
): Owner | null {
  const wanted = addressOf(own, url)
  if (wanted === null) return null
  const { database } = wanted
  for (const { name, strategy } of named) {
    const choice = own.at && databasesOf(strategy.databases)
    for (const one of [databaseUrlOf(strategy, drivers), strategy.dump_url ?? null]) {
      const is = typeof one === 'string' && sourceOf(one, drivers) === own ? addressOf(own, one) : null
      if (!is?.servers.some((server) => wanted.servers.includes(server))) continue
      if (choice ? isChosen(choice, database) : is.database === database)
        return { name, database, isWhole: Boolean(choice) }
    }
  }
  return null
}

/** Each of several hosts leads to it. */
function addressOf(own: SourceFacts, url: string): { servers: string[]; database: string } | null {
  const facts = own.parseUrl(url)
  if ('mistake' in facts) return null
  const { endpoint, database, hosts = [] } = facts
  return { servers: [endpoint, ...hosts.map(spellHost)], database }
}

/** A file may come later; a copy that needs it is refused until it is there. */
export function warnOfClones(
  clones: StrategyFile['clones'],
  at: string,
  { findings, readFile }: Examination,
): void {
  for (const [name, { sanitize = [] }] of Object.entries(clones ?? {}))
    for (const [index, file] of sanitize.entries())
      try {
        readFile(file)
      } catch {
        const place = child(child(child(at, name), 'sanitize'), index)
        findings.warning(place, `${file} cannot be read: no copy is made before it is there`, 'write it')
      }
}

/** Defaults filled in, paths made absolute. */
export function clonesOf(written: StrategyFile['clones'], folder: string): Record<string, CloneConfig> {
  return Object.fromEntries(
    Object.entries(written ?? {}).map(([name, place]) => [
      name,
      {
        url: place.database_url,
        sanitize: (place.sanitize ?? []).map((file) => absolute(folder, file)),
        dropAfterMs: place.drop_after === undefined ? null : parseDuration(place.drop_after),
        protected: place.protected ?? false,
      },
    ]),
  )
}
