import { parseEnv } from 'node:util'
import type { Config } from '../core/config.ts'
import { namePattern } from '../core/keys.ts'
import type { DriverCatalogue } from './catalogue.ts'
import { sourceOf } from './database.ts'
import { newPlaces } from './document.ts'
import { createFindings, type Findings } from './findings.ts'
import type { Outside } from './interpolate.ts'
import { configFrom } from './load.ts'
import { isMapping, steps } from './pointer.ts'
import { shown } from './shown.ts'

const strategy = '/strategies/0'

/** A value that is written shorter in a variable than in a file. */
type Reads = (text: string) => { value: string } | { wrong: string; instead: string }

const numberOf =
  (unit: string, what: string): Reads =>
  (text) =>
    /^[1-9]\d{0,5}$/.test(text)
      ? { value: `${text}${unit}` }
      : { wrong: `${shown(text)} is not a number of ${what}`, instead: 'write a whole number such as 30' }

/** Every variable and the place in a file that it stands for. Each may also be given as `NAME_FILE`. */
const variables: Record<string, string | { at: string; reads: Reads }> = {
  DATABASE_URL: `${strategy}/database_url`,
  DB_HOST: `${strategy}/connection/host`,
  DB_PORT: `${strategy}/connection/port`,
  DB_NAME: `${strategy}/connection/database`,
  DB_USER: `${strategy}/connection/user`,
  DB_PASSWORD: `${strategy}/connection/password`,
  SCHEDULE: '/global/schedule',
  TIMEZONE: '/global/timezone',
  COMPRESSION: '/global/compression',
  RETENTION: '/global/retention/max_age',
  KEEP_DAILY: '/global/retention/keep_daily',
  KEEP_WEEKLY: '/global/retention/keep_weekly',
  KEEP_MONTHLY: '/global/retention/keep_monthly',
  MAX_AGE_DAYS: { at: '/global/retention/max_age', reads: numberOf('d', 'days') },
  ALERT_AFTER_HOURS: { at: '/global/expect/max_age', reads: numberOf('h', 'hours') },
  STORAGE_PATH: '/global/storages/local/path',
  S3_BUCKET: '/global/s3/bucket',
  S3_ENDPOINT: '/global/s3/endpoint',
  S3_REGION: '/global/s3/region',
  S3_PREFIX: '/global/s3/base_path',
  AWS_ACCESS_KEY_ID: '/global/s3/credentials/access_key',
  AWS_SECRET_ACCESS_KEY: '/global/s3/credentials/secret_key',
  AWS_SESSION_TOKEN: '/global/s3/credentials/session_token',
  AWS_REGION: '/global/s3/credentials/region',
  SLACK_BOT_TOKEN: '/global/slack/bot_token',
  SLACK_APP_TOKEN: '/global/slack/app_token',
  SLACK_SIGNING_SECRET: '/global/slack/signing_secret',
  SLACK_CHANNEL_ID: '/global/slack/channel_id',
  WEBHOOK_URL: '/global/notifications/0/config/url',
  METRICS_PORT: '/global/monitoring/metrics/port',
  STATE_DIR: '/global/state_dir',
  TEMP_DIR: '/global/temp_dir',
  LOG_LEVEL: '/global/log_level',
}

/** Is there a database to back up, so that no file is needed? */
export function namesDatabase(outside: Outside): boolean {
  const set = settings(outside)
  return ['DATABASE_URL', 'DB_HOST'].some((name) => set[name] || set[`${name}_FILE`])
}

export interface EnvironmentInput extends Outside {
  /** Relative paths start here. */
  folder: string
}

/** One strategy from the environment alone, named after its database: the same tree that a file would give, judged the same.
 * @throws ConfigMistakes that name the variable in place of a line */
export function loadEnvironment(input: EnvironmentInput, drivers: DriverCatalogue): Config {
  const places = newPlaces()
  const used = new Map<string, string>()
  const findings = createFindings('environment', places, used)
  const root: Record<string, unknown> = {}
  fill(root, input, { used, findings })
  const global = group(root, 'global')
  const connection = group(group(group(root, 'strategies'), '0'), 'connection')
  if (Object.keys(connection).length > 0) connection.type = 'postgres'
  if (isMapping(global.storages)) group(global.storages as Record<string, unknown>, 'local').type = 'local'
  if (isMapping(global.notifications)) global.notifications = [{ type: 'webhook', ...webhookIn(global) }]
  if (global.s3 && !group(global, 's3').bucket) delete global.s3 // the variables of AWS are there for others too
  if (global.s3 && global.storages) global.storage = ['s3', 'local']
  root.strategies = [{ name: nameIn(root, drivers), ...strategyIn(root) }]
  judgeWhole(root, used, findings)
  return configFrom(
    { root, findings, fromOutside: new Set(used.keys()), secrets: new Set(), readFile: input.readFile },
    { file: 'environment', folder: input.folder },
    drivers,
  )
}

interface Filling {
  /** Pointer → the variable that was used for it, or that would be. */
  used: Map<string, string>
  findings: Findings
}

function fill(root: Record<string, unknown>, outside: Outside, { used, findings }: Filling): void {
  const set = settings(outside)
  for (const [name, place] of Object.entries(variables)) {
    const { at, reads } = typeof place === 'string' ? { at: place, reads: null } : place
    const fileName = `${name}_FILE`
    const file = set[fileName]
    const isTaken = valueThere(root, at)
    if (!isTaken) used.set(at, file ? fileName : name)
    if (set[name] && file) {
      findings.mistake(at, `${name} and ${fileName} are both set`, 'keep one of them')
      continue
    }
    const text = file ? contentOf(file, { outside, at, findings }) : set[name]
    if (!text) continue
    const read = reads?.(text) ?? { value: text }
    if (isTaken) findings.mistake(at, `and ${name} say the same thing`, 'keep one of them')
    else if ('wrong' in read) findings.mistake(at, read.wrong, read.instead)
    else put(root, at, read.value)
  }
}

function settings({ environment, dotenv }: Outside): Record<string, string | undefined> {
  const set: Record<string, string | undefined> = dotenv === null ? {} : { ...parseEnv(dotenv) }
  for (const [name, value] of Object.entries(environment)) if (value) set[name] = value
  return set
}

function contentOf(
  path: string,
  { outside, at, findings }: { outside: Outside; at: string; findings: Findings },
): string | undefined {
  try {
    const content = outside.readFile(path).replace(/\r?\n$/, '')
    if (content === '') findings.mistake(at, `the file ${shown(path)} is empty`, 'put the value into it')
    return content
  } catch (error) {
    const { code } = error as { code?: string }
    const why = code === 'ENOENT' ? 'does not exist' : 'cannot be read'
    findings.mistake(at, `the file ${shown(path)} ${why}`, 'correct the path, or its rights')
    return undefined
  }
}

function put(root: Record<string, unknown>, pointer: string, value: string): void {
  const path = steps(pointer)
  const last = path.pop()!
  path.reduce(group, root)[last] = value
}

/** The group below a key, made when it is missing. */
function group(above: Record<string, unknown>, key: string): Record<string, unknown> {
  if (!isMapping(above[key])) above[key] = {}
  return above[key] as Record<string, unknown>
}

function valueThere(root: Record<string, unknown>, pointer: string): boolean {
  let value: unknown = root
  for (const step of steps(pointer)) value = isMapping(value) ? value[step] : undefined
  return value !== undefined
}

function webhookIn(global: Record<string, unknown>): Record<string, unknown> {
  return group(group(global, 'notifications'), '0')
}

function strategyIn(root: Record<string, unknown>): Record<string, unknown> {
  const found = group(group(root, 'strategies'), '0')
  if (Object.keys(group(found, 'connection')).length === 0) delete found.connection
  return found
}

/** As its database is called, in letters that a name may have. */
function nameIn(root: Record<string, unknown>, drivers: DriverCatalogue): string {
  const { database_url: url, connection } = strategyIn(root)
  const parsed = typeof url === 'string' ? sourceOf(url, drivers)?.parseUrl(url) : undefined
  const inUrl = parsed && 'database' in parsed ? parsed.database : undefined
  const database = inUrl ?? (isMapping(connection) ? connection.database : undefined)
  const slug = (typeof database === 'string' ? database : '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '-')
    .replaceAll(/^[-_]+|-+$/g, '')
    .slice(0, 63)
  return new RegExp(namePattern).test(slug) && slug !== 'all' ? slug : 'database'
}

/** What only makes sense together; a file is judged by its own words for it. */
function judgeWhole(root: Record<string, unknown>, used: Map<string, string>, findings: Findings): void {
  const global = group(root, 'global')
  const first = (root.strategies as Record<string, unknown>[])[0]!
  if (first.database_url !== undefined && first.connection !== undefined)
    findings.mistake(
      `${strategy}/connection/host`,
      `${used.get(`${strategy}/database_url`)} names the database already`,
      'keep either DATABASE_URL or the variables that begin with DB_',
    )
  const isUnset = global.storages === undefined && global.s3 === undefined
  if (isUnset && findings.clean('/global/storages') && findings.clean('/global/s3')) {
    used.set('/global/storages', 'STORAGE_PATH')
    findings.mistake(
      '/global/storages',
      'is not set: there is no place for backups',
      'set STORAGE_PATH to a folder, or S3_BUCKET',
    )
  }
}
