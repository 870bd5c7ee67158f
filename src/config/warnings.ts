import type { Config, Retention, Strategy } from '../core/config.ts'
import { spellDuration } from '../core/duration.ts'
import { doubtfulRules, spellAge } from '../core/retention/rules.ts'
import { expectedMaxAge } from '../core/schedule.ts'
import { warnOfAccess } from './access.ts'
import { warnOfClones } from './clones.ts'
import { strategiesOf } from './check-strategies.ts'
import { warnOfDatabases } from './databases.ts'
import { warnOfEncryption } from './encryption.ts'
import type { Examination } from './examine.ts'
import { child, isMapping } from './pointer.ts'

const anyMonday = Date.parse('2026-01-05T00:00:00Z') // the distance of two runs is judged from here: the same at every start

/** Says what is legal but hardly meant. */
export function warn(
  config: Pick<Config, 'strategies' | 'slack' | 'digest'>,
  examination: Examination,
): void {
  const { root } = examination
  const global = isMapping(root.global) ? root.global : {}
  warnOfAccess(config, examination)
  warnOfEncryption(config.strategies, examination)
  if (config.slack) warnOfSlack(config.slack, { examination, hasDigest: config.digest !== null })
  strategiesOf(root).forEach(({ pointer, strategy }, index) => {
    warnOfStrategy(config.strategies[index]!, { pointer, strategy, global, examination })
    warnOfClones(strategy.clones, child(pointer, 'clones'), examination)
  })
}

function warnOfSlack(
  slack: NonNullable<Config['slack']>,
  { examination, hasDigest }: { examination: Examination; hasDigest: boolean },
): void {
  const { findings, root } = examination
  if (!slack.botToken.startsWith('xoxb-'))
    findings.warning(
      '/global/slack/bot_token',
      'a bot token begins with xoxb-',
      'copy it from OAuth & Permissions of the app',
    )
  if (slack.appToken !== null && !slack.appToken.startsWith('xapp-'))
    findings.warning(
      '/global/slack/app_token',
      'an app token begins with xapp-',
      'make one with connections:write under Basic Information',
    )
  const written = (root as { global: { slack: { channels?: Record<string, string>; port?: unknown } } })
    .global.slack
  if (slack.appToken !== null && slack.http !== undefined)
    findings.warning(
      '/global/slack/signing_secret',
      'with an app token Slack is listened to in Socket Mode',
      'remove app_token for HTTP mode, or signing_secret and port',
    )
  if (written.port !== undefined && slack.http === undefined)
    findings.warning(
      '/global/slack/port',
      'nothing listens there without a signing secret',
      'set signing_secret, or remove port',
    )
  const { channels } = written
  if (channels?.digest !== undefined && !hasDigest)
    findings.warning(
      '/global/slack/channels/digest',
      'without global.digest there is no digest to be said there',
      'write digest: { schedule: "0 9 * * 1" } under global',
    )
}

interface Subject {
  pointer: string
  strategy: Record<string, unknown>
  global: Record<string, unknown>
  examination: Examination
}

function warnOfStrategy(resolved: Strategy, { pointer, strategy, global, examination }: Subject): void {
  const { findings } = examination
  /** Where the value that holds was written. */
  const source = (key: string) =>
    key in strategy ? child(pointer, key) : key in global ? child('/global', key) : pointer
  const gap = expectedMaxAge(resolved.schedule, resolved.timezone, anyMonday)
  const { expect } = resolved
  for (const { policy, at } of policiesOf(resolved, source)) {
    warnOfAge(policy, { at, gap, name: resolved.name }, findings)
    for (const { wrong, instead } of doubtfulRules(policy)) findings.warning(at, wrong, instead)
  }
  if (gap !== null && expect.maxAgeMs !== null && expect.maxAgeMs < gap) {
    const wrong = `runs of ${resolved.name} are up to ${spellDuration(gap)} apart: it will be overdue in between`
    findings.warning(source('expect'), wrong, `write max_age: ${spellDuration(gap * 1.5)} or more`)
  }
  warnOfDatabases(resolved, { strategy, at: pointer }, findings)
  if (resolved.protected && !resolved.slack)
    findings.warning(child(pointer, 'protected'), 'without Slack nobody can approve', 'set global.slack')
  if ('slack' in strategy && !resolved.slack)
    findings.warning(child(pointer, 'slack'), 'nothing is said without a bot token', 'set global.slack')
}

/** The strategy's own policy, and those of places that have another. */
function policiesOf(
  { retention, placeRetention }: Strategy,
  source: (key: string) => string,
): { policy: Retention; at: string }[] {
  const own = retention === null ? [] : [{ policy: retention, at: source('retention') }]
  return [...own, ...Object.values(placeRetention).map((policy) => ({ policy, at: source('storage') }))]
}

function warnOfAge(
  { maxAgeMs, minKeep }: Retention,
  { at, gap, name }: { at: string; gap: number | null; name: string },
  findings: Examination['findings'],
): void {
  if (gap === null || maxAgeMs === null || maxAgeMs >= 2 * gap) return
  findings.warning(
    at,
    `retention ${spellAge(maxAgeMs)} is shorter than two runs of ${name}, up to ${spellDuration(gap)} apart`,
    `the newest ${minKeep} stay; write at least ${spellDuration(2 * gap)}`,
  )
}
