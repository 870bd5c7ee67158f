import { topics, type NotificationConfig, type NotifierFacts, type Topic } from '../core/notifications.ts'
import type { DriverCatalogue } from './catalogue.ts'
import { strategiesOf } from './check-strategies.ts'
import { examine, type Examination } from './examine.ts'
import { oneOf, suggest } from './nearest.ts'
import { child, isMapping } from './pointer.ts'
import type { ConfigFile } from './schema/file.ts'
import { shown } from './shown.ts'

const slack = 'slack'
const at = '/global/notifications'

type Written = NonNullable<NonNullable<ConfigFile['global']>['notifications']>[number]

/** What the schema alone cannot tell of `notifications`. */
export function checkNotifications(examination: Examination): void {
  const { root, findings } = examination
  const written = isMapping(root.global) ? root.global.notifications : undefined
  if (!Array.isArray(written)) return
  const names = new Set<string>([slack])
  written.forEach((item, index) => {
    const place = child(at, index)
    if (!isMapping(item) || typeof item.type !== 'string') return
    const driver = driverOf(item.type, examination.drivers)
    if (!driver) return reportKind(item.type, child(place, 'type'), examination)
    if (['name', 'on', 'strategies', 'tags'].every((key) => findings.clean(child(place, key))))
      checkOne(item as Written, { place, driver, names }, examination)
    else examineOptions(item as Written, { place, driver }, examination)
  })
}

interface Checking {
  place: string
  driver: NotifierFacts
  /** Those of the ones before. */
  names: Set<string>
}

function checkOne(item: Written, { place, driver, names }: Checking, examination: Examination): void {
  const { findings, root } = examination
  const name = item.name ?? driver.kind
  if (names.has(name)) {
    const wrong = name === slack ? 'slack is Slack' : `there is another notification named ${name}`
    findings.mistake(
      child(place, item.name === undefined ? 'type' : 'name'),
      wrong,
      'write a name of its own: name: on-call',
    )
  }
  names.add(name)
  checkTopics(item, { place, driver, names }, examination)
  checkAmong(item, place, examination)
  examineOptions(item, { place, driver }, examination)
  if (!findings.clean(place)) return
  for (const secret of driver.secrets?.((item.config ?? {}) as Record<string, unknown>) ?? [])
    examination.secrets.add(secret)
  const use = {
    on: topicsOf(item, driver),
    strategies: amongOf(item, root)?.length ?? strategiesOf(root).length,
  }
  const wrong = driver.judge((item.config ?? {}) as Record<string, unknown>, use)
  if (!wrong) return
  const config = child(place, 'config')
  findings.mistake(wrong.at === undefined ? config : child(config, wrong.at), wrong.mistake, wrong.hint)
}

/** By the driver's own schema; numbers from outside become numbers. */
function examineOptions(
  { config = {} }: Written,
  { place, driver }: Pick<Checking, 'place' | 'driver'>,
  examination: Examination,
): void {
  if (isMapping(config)) examine(driver.options, { value: config, at: child(place, 'config') }, examination)
}

function reportKind(type: string, place: string, { findings, drivers }: Examination): void {
  const kinds = (drivers.notifiers ?? []).map(({ kind }) => kind)
  findings.mistake(place, `${shown(type)} is not a kind of notification`, suggest(type, kinds))
}

function checkTopics(item: Written, { place, driver }: Checking, { findings }: Examination): void {
  const list = Array.isArray(item.on) ? item.on : item.on === undefined ? [] : [item.on]
  list.forEach((word, index) => {
    const where = Array.isArray(item.on) ? child(child(place, 'on'), index) : child(place, 'on')
    const known = word === 'both' ? ['success', 'failure'] : [word]
    if (!known.every((topic) => (driver.topics as readonly string[]).includes(topic)))
      findings.mistake(
        where,
        `${word} is nothing that ${driver.kind} tells`,
        `write ${oneOf([...driver.topics])}`,
      )
  })
}

function checkAmong(
  { strategies = [], tags = [] }: Written,
  place: string,
  { findings, root }: Examination,
): void {
  const all = strategiesOf(root)
  const names = all.map(({ name }) => name)
  strategies.forEach((name, index) => {
    if (!names.includes(name))
      findings.mistake(
        child(child(place, 'strategies'), index),
        `there is no strategy named ${shown(name)}`,
        suggest(name, names),
      )
  })
  const known = [...new Set(all.flatMap(({ strategy }) => tagsOf(strategy)))]
  tags.forEach((tag, index) => {
    if (!known.includes(tag))
      findings.mistake(
        child(child(place, 'tags'), index),
        `no strategy has the tag ${shown(tag)}`,
        known.length === 0 ? 'write tags: at a strategy' : suggest(tag, known),
      )
  })
}

/** Fills in every default; judged before. */
export function notificationsOf(
  root: Record<string, unknown>,
  drivers: DriverCatalogue,
): NotificationConfig[] {
  const { notifications = [] } = (root as ConfigFile).global ?? {}
  return notifications.map((item) => ({
    name: item.name ?? item.type,
    kind: item.type,
    on: topicsOf(item, driverOf(item.type, drivers)!),
    strategies: amongOf(item, root),
    options: { ...item.config },
  }))
}

function driverOf(type: string, { notifiers = [] }: DriverCatalogue): NotifierFacts | undefined {
  return notifiers.find(({ kind }) => kind === type)
}

function topicsOf({ on }: Written, { usual }: NotifierFacts): Topic[] {
  if (on === undefined) return [...usual]
  const words = (Array.isArray(on) ? on : [on]).flatMap((word) =>
    word === 'both' ? ['success', 'failure'] : [word],
  )
  return topics.filter((topic) => words.includes(topic))
}

/** Names of the strategies that it is about; null = all. */
function amongOf({ strategies, tags }: Written, root: Record<string, unknown>): string[] | null {
  if (strategies === undefined && tags === undefined) return null
  return strategiesOf(root)
    .filter(
      ({ name, strategy }) =>
        strategies?.includes(name) || tagsOf(strategy).some((tag) => tags?.includes(tag)),
    )
    .map(({ name }) => name)
}

/** What is no list of words was said before. */
function tagsOf({ tags }: { tags?: unknown }): string[] {
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : []
}
