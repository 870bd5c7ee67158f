import { isDeepStrictEqual } from 'node:util'
import type { Config, Retention, Strategy } from '../core/config.ts'
import { weakenedAccess } from './access-changes.ts'
import type { ConfigChanges } from './facade.ts'

/** What cannot change while running, by the name people write. */
const fixed = {
  state_dir: ({ stateDir }) => stateDir,
  temp_dir: ({ tempDir }) => tempDir,
  monitoring: ({ health, metrics }) => [health, metrics],
  'slack (tokens and connection)': ({ slack }) => slack && { ...slack, routing: null },
} as const satisfies Record<string, (config: Config) => unknown>

/** The new configuration with what cannot change while running left as it was. */
export function withoutFixed(
  before: Config,
  loaded: Config,
): { config: Config; needsRestart: ConfigChanges['needsRestart'] } {
  const { stateDir, tempDir, health, metrics } = before
  const routing = loaded.slack?.routing ?? before.slack?.routing
  const slack = before.slack && routing ? { ...before.slack, routing } : before.slack
  const needsRestart = Object.entries(fixed)
    .filter(([, of]) => !isDeepStrictEqual(of(before), of(loaded)))
    .map(([name]) => name)
  return {
    config: Object.freeze({ ...loaded, stateDir, tempDir, health, metrics, slack }),
    needsRestart,
  }
}

/** Compares what held with what holds now. */
export function changesOf(before: Config, after: Config): Omit<ConfigChanges, 'needsRestart'> {
  const old = new Map(before.strategies.map((strategy) => [strategy.name, strategy]))
  const now = new Map(after.strategies.map((strategy) => [strategy.name, strategy]))
  const added = [...now.keys()].filter((name) => !old.has(name))
  const removed = [...old.keys()].filter((name) => !now.has(name))
  const both = [...now.values()].flatMap((strategy) => {
    const was = old.get(strategy.name)
    return was ? [[was, strategy] as const] : []
  })
  const weakened = [
    ...together(removed.map((name) => ({ name, say: (names: string) => `no longer backed up: ${names}` }))),
    ...together(both.flatMap(([was, is]) => weakenedIn(was, is))),
    ...together([
      ...accessSaid('the service', before.access, after.access),
      ...both.flatMap(([was, is]) => accessSaid(is.name, was.access, is.access)),
    ]),
  ]
  const changed = [
    ...counted(added, 'added'),
    ...counted(removed, 'removed'),
    ...together(both.flatMap(([was, is]) => changedIn(was, is))),
    ...placesChanged(before, after),
    ...servicesChanged(before, after),
  ]
  return { changed, weakened }
}

function counted(names: string[], what: string): string[] {
  const noun = names.length === 1 ? 'strategy' : 'strategies'
  return names.length === 0 ? [] : [`${names.length} ${noun} ${what}: ${names.join(', ')}`]
}

interface Said {
  name: string
  say(names: string): string
}

const namedAtMost = 10

/** The same change of many strategies is one line. */
function together(changes: Said[]): string[] {
  return [...Map.groupBy(changes, ({ say }) => say('')).values()].map((same) => {
    const names = same.map(({ name }) => name)
    const more = names.length > namedAtMost ? ` and ${names.length - namedAtMost} more` : ''
    return same[0]!.say(names.slice(0, namedAtMost).join(', ') + more)
  })
}

/** Settings of a strategy as people call them; with a text of their value where one line says it. */
const settings: Record<string, { of: (strategy: Strategy) => unknown; text?: (s: Strategy) => string }> = {
  database: { of: ({ source }) => source },
  schedule: {
    of: ({ schedule }) => schedule,
    text: ({ schedule }) => (schedule.type === 'manual' ? 'manual' : schedule.text),
  },
  timezone: { of: ({ timezone }) => timezone, text: ({ timezone }) => timezone },
  retention: {
    of: ({ retention, placeRetention }) => [retention, placeRetention],
    text: ({ retention }) => retention?.text ?? 'everything',
  },
  storage: { of: ({ storages }) => storages, text: ({ storages }) => storages.join(', ') },
  compression: { of: ({ compression }) => compression, text: ({ compression }) => compression.type },
  encryption: {
    of: ({ encryption }) => encryption,
    text: ({ encryption }) => encryption?.type ?? 'none',
  },
  prove: { of: ({ prove }) => prove, text: ({ prove }) => String(prove) },
  tags: { of: ({ tags }) => tags, text: ({ tags }) => tags.join(', ') || 'none' },
  protected: { of: (s) => s.protected, text: (s) => String(s.protected) },
  slack: { of: ({ slack }) => slack },
  retry: { of: ({ retry }) => retry },
  timeout: { of: ({ timeout }) => timeout },
  expect: { of: ({ expect }) => expect },
  restore: { of: ({ restore }) => restore },
  access: { of: ({ access }) => access },
}

function changedIn(was: Strategy, is: Strategy): Said[] {
  const parts = Object.entries(settings)
    .filter(([, { of }]) => !isDeepStrictEqual(of(was), of(is)))
    .map(([name, { text }]) => {
      const [from, to] = [text?.(was), text?.(is)]
      return from === to ? name : `${name} ${from} → ${to}`
    })
  const { name } = is
  if (parts.length > 0) return [{ name, say: (names) => `${names}: ${parts.join('; ')}` }]
  const { redacted: _was, ...old } = was
  const { redacted: _is, ...now } = is
  return isDeepStrictEqual(old, now) ? [] : [{ name, say: (names) => `${names}: changed` }]
}

function weakenedIn(was: Strategy, is: Strategy): Said[] {
  const gone = was.storages.filter((place) => !is.storages.includes(place))
  const places = was.storages.filter((place) => is.storages.includes(place))
  const weaker = places.find((place) => isWeaker(retentionIn(was, place), retentionIn(is, place)))
  const spell = (strategy: Strategy): string => retentionIn(strategy, weaker ?? '')?.text ?? 'everything'
  const all: (((names: string) => string) | null)[] = [
    weaker === undefined ? null : (names) => `retention of ${names} weakened: ${spell(was)} → ${spell(is)}`,
    gone.length === 0 ? null : (names) => `no longer stored in ${gone.join(', ')}: ${names}`,
    was.encryption && !is.encryption ? (names) => `no longer encrypted: ${names}` : null,
    was.protected && !is.protected ? (names) => `no longer protected: ${names}` : null,
  ]
  return all.filter((say) => say !== null).map((say) => ({ name: is.name, say }))
}

function accessSaid(name: string, was: Config['access'], is: Config['access']): Said[] {
  const more = weakenedAccess(was, is)
  if (more.length === 0) return []
  return [{ name, say: (names) => `access to ${names} weakened: ${more.join('; ')}` }]
}

function retentionIn({ retention, placeRetention }: Strategy, place: string): Retention | null {
  return placeRetention[place] ?? retention
}

const counts = [
  'minKeep',
  'keepLast',
  'keepHourly',
  'keepDaily',
  'keepWeekly',
  'keepMonthly',
  'keepYearly',
] as const

/** May it delete what the one before kept? */
export function isWeaker(was: Retention | null, is: Retention | null): boolean {
  if (is === null) return false
  if (was === null) return true
  if (is.maxAgeMs !== null && is.maxAgeMs < (was.maxAgeMs ?? Infinity)) return true
  if (counts.some((count) => is[count] < was[count])) return true
  if ((is.keepGoneMs ?? Infinity) < (was.keepGoneMs ?? Infinity)) return true
  const byCalendar = (retention: Retention): boolean =>
    counts.some((count) => count !== 'minKeep' && retention[count] > 0)
  return byCalendar(is) && !byCalendar(was) // an age keeps each one, a calendar only one of each day
}

function placesChanged(before: Config, after: Config): string[] {
  const names = (config: Config): string[] => config.storages.map(({ name }) => name)
  const other = after.storages.filter((place) => {
    const was = before.storages.find(({ name }) => name === place.name)
    return was !== undefined && !isDeepStrictEqual(was, place)
  })
  const lists = {
    added: names(after).filter((name) => !names(before).includes(name)),
    removed: names(before).filter((name) => !names(after).includes(name)),
    changed: other.map(({ name }) => name),
  }
  return Object.entries(lists).flatMap(([what, of]) =>
    of.length === 0 ? [] : [`${of.length === 1 ? 'place' : 'places'} ${what}: ${of.join(', ')}`],
  )
}

function servicesChanged(before: Config, after: Config): string[] {
  return [
    ...(isDeepStrictEqual(before.slack?.routing, after.slack?.routing) ? [] : ['Slack channels']),
    ...(isDeepStrictEqual(before.access, after.access) ? [] : ['access to the service']),
    ...(isDeepStrictEqual(before.digest, after.digest) ? [] : ['digest']),
    ...(isDeepStrictEqual(before.notifications, after.notifications) ? [] : ['notifications']),
    ...(before.logLevel === after.logLevel ? [] : [`log level ${before.logLevel} → ${after.logLevel}`]),
    ...(before.maxParallel === after.maxParallel ? [] : [`${after.maxParallel} backups at once`]),
  ]
}
