import { subjectOf } from '../core/subject.ts'
import { createHash } from 'node:crypto'
import { formatBytes, formatDuration } from '../core/duration.ts'
import type { FaultFacts } from '../core/faults.ts'
import type { IncidentView } from '../core/incidents.ts'
import type { Message, MessageBody } from '../core/messages.ts'
import type { RunView } from '../core/model.ts'
import { oddWords } from '../core/odd-words.ts'
import type { Topic } from '../core/notifications.ts'
import { drillFacts, drillTitle } from './drill.ts'
import { headOf, noteOf } from './incident.ts'

/** Something that happened, as it is told once: the end of a run, an alarm, its end. */
export interface Occurrence {
  /** Told once for each message and kind. */
  kind: Topic | 'escalation' | 'acknowledged' | 'notice' | 'test'
  /** It is for everybody who asked for one of these. */
  topics: readonly Topic[]
  status: 'success' | 'failure' | 'warning' | 'inconclusive' | 'overdue' | 'recovered' | 'test'
  /** Epoch ms; null = now. */
  at: number | null
  /** It still holds, however long ago it began. */
  current?: true
  /** Not before: it may turn out to be a part of something larger. Epoch ms. */
  heldUntil?: number
  /** The end of what the message above began: no news to who was not told of that. */
  ends?: boolean
  /** Whom it is about; null = the whole service. */
  strategies: readonly string[] | null
  /** Of its message, for its identity. */
  key: string
  /** What belongs together shares it: mail programs show one conversation. */
  thread: string
  /** The fact first, in one line. */
  title: string
  /** What to do; null = nothing. */
  hint: string | null
  /** What else there is to know, for people, in order. */
  facts: readonly Fact[]
  error: (Pick<FaultFacts, 'text'> & { code: FaultFacts['code'] | null }) | null
  run?: RunView
  incident?: IncidentView
}

export type Fact = readonly [label: string, value: string]

/** What is common to all that one message tells. */
export type Told = Pick<Occurrence, 'key' | 'thread'>

/** Who is told: what a message means may depend on it. */
export interface Listener {
  /** Only of these; null = of all. */
  strategies: readonly string[] | null
  /** What it asked for. */
  on: readonly Topic[]
  /** Kinds that it was told of this message before. */
  told: readonly string[]
}

/** Stable across retries and restarts, and the same nowhere else. */
export function identityOf({ key, kind }: { key: string; kind: string }, installation: string): string {
  const hash = createHash('sha256').update(`${installation}\n${key}\n${kind}`).digest('base64url')
  return `evt_${hash.slice(0, 27)}`
}

/** What a message tells once; null = nothing (a start, progress, a card with buttons, a summary).
 * Failures of backups are told by their incident: the first, what makes it worse, its end. */
export function occurrenceOf({ key, body }: Message, listener: Listener): Occurrence | null {
  const told = { key, thread: threadOf(key) }
  switch (body.type) {
    case 'run.card':
      if (body.run.kind === 'drill') return drill(told, body.run)
      return body.run.kind === 'backup' && body.run.state === 'succeeded' ? success(told, body.run) : null
    case 'run.alarm':
      return body.run.kind === 'restore' || body.run.incident !== undefined ? null : failure(told, body.run)
    case 'run.progress':
      return body.run.kind === 'restore' ? restore(told, body.run) : null
    case 'incident':
      return headOf(told, body.incident, listener)
    case 'incident.note':
      return noteOf(told, body.incident, { note: body.note, listener })
    case 'notice':
      return body.urgent ? notice(told, body) : null
    default:
      return null
  }
}

/** All messages of a run, or of one incident. */
function threadOf(key: string): string {
  return /^(run|incident)\//.test(key) ? key.split('/').slice(0, 2).join('/') : key
}

function success(told: Told, run: RunView): Occurrence {
  const { backup } = run
  const took = tookMs(run)
  const odd = oddWords(backup?.odd ?? [])
  const size =
    backup === null
      ? ''
      : ` (${formatBytes(backup.storedBytes)}${took === null ? '' : ` in ${formatDuration(took)}`})`
  return {
    ...told,
    ...ofRun(run),
    kind: 'success',
    topics: ['success'],
    status: 'success',
    title: `${subjectOf(run)}: backup succeeded${size}${odd === '' ? '' : `, but ${odd}`}`,
  }
}

function failure(told: Told, run: RunView): Occurrence {
  return {
    ...told,
    ...ofRun(run),
    kind: 'failure',
    topics: ['failure'],
    status: 'failure',
    title: `${subjectOf(run)}: ${badEnd(run)}`,
  }
}

function badEnd(run: RunView): string {
  if (run.state === 'degraded') return `backup is only in ${run.backup?.storages.join(', ') || 'some places'}`
  const what: Partial<Record<RunView['kind'], string>> = {
    backup: 'backup failed',
    verify: 'a backup could not be verified',
    prune: 'old backups could not be deleted',
    restore: 'restore failed',
    drill: 'a restore could not be tried',
  }
  return `${what[run.kind] ?? `${run.kind} failed`}${run.fault === null ? '' : `: ${run.fault.text}`}`
}

function restore(told: Told, run: RunView): Occurrence | null {
  if (run.endedAt === null) return null
  const well = run.state === 'succeeded'
  const ends: Partial<Record<RunView['state'], string>> = {
    succeeded: `restored into ${run.restore?.target ?? 'its target'}`,
    cancelled: 'restore was cancelled',
    interrupted: 'restore was interrupted',
  }
  return {
    ...told,
    ...ofRun(run),
    kind: 'restore',
    topics: run.state === 'failed' ? ['restore', 'failure'] : ['restore'],
    status: well ? 'success' : 'failure',
    title: `${subjectOf(run)}: ${ends[run.state] ?? badEnd(run)}`,
  }
}

/** Each that came to an end of its own: what it found, or that it could not begin. */
function drill(told: Told, run: RunView): Occurrence | null {
  const verdict = run.drill?.verdict ?? (run.state === 'failed' ? 'fail' : null)
  if (verdict === null) return null
  return {
    ...told,
    ...ofRun(run),
    kind: 'drill',
    topics: ['drill'],
    status: ({ pass: 'success', fail: 'failure', inconclusive: 'inconclusive' } as const)[verdict],
    title: `${subjectOf(run)}: ${run.drill ? drillTitle(run.drill, run.stillGood !== undefined) : badEnd(run)}`,
    facts: [...presentOnly(run.drill ? drillFacts(run, run.drill) : []), ...presentOnly(factsOf(run))],
  }
}

function notice(told: Told, { title, text }: MessageBody & { type: 'notice' }): Occurrence {
  return {
    ...told,
    kind: 'notice',
    topics: ['failure'],
    status: 'failure',
    at: null,
    strategies: null,
    title,
    hint: null,
    facts: [['What', text]],
    error: null,
  }
}

function ofRun(run: RunView): Pick<Occurrence, 'at' | 'strategies' | 'facts' | 'error' | 'hint' | 'run'> {
  const { strategy, fault, endedAt } = run
  const isWell = run.state === 'succeeded'
  return {
    run,
    strategies: [strategy],
    at: endedAt,
    error: isWell ? null : fault,
    hint: isWell ? null : (fault?.hint ?? null),
    facts: presentOnly(factsOf(run)),
  }
}

function presentOnly(facts: [string, string | null][]): Fact[] {
  return facts.filter((fact): fact is [string, string] => fact[1] !== null)
}

function factsOf(run: RunView): [string, string | null][] {
  const { backup, nextAt, fault } = run
  const ms = tookMs(run)
  return [
    ['Run', run.id],
    ['Database', run.engine],
    ['Error', run.state !== 'succeeded' && fault ? `${fault.text} (${fault.code})` : null],
    ['Backup', backup?.id ?? run.backupId],
    ['Size', backup ? formatBytes(backup.storedBytes) : null],
    ['Level', backup?.level ?? null],
    ['Stored in', backup?.storages.join(', ') || null],
    ['Missing in', backup?.owed.map(({ storage, why }) => `${storage} (${why})`).join(', ') || null],
    ['Took', ms === null ? null : formatDuration(ms)],
    ['Next run', nextAt === null ? null : instant(nextAt)],
    ['Host', run.host],
  ]
}

export function tookMs({ startedAt, endedAt }: RunView): number | null {
  return startedAt === null || endedAt === null ? null : endedAt - startedAt
}

/** In UTC: who reads it may be anywhere. */
export function instant(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** What `notify test` tells. */
export function testOccurrence(name: string, at: number): Occurrence {
  return {
    kind: 'test',
    topics: [],
    status: 'test',
    at,
    strategies: null,
    thread: `test/${at}`,
    key: `test/${name}/${at}`,
    title: 'easy-backup: test message, nothing happened',
    hint: null,
    facts: [['Notification', name]],
    error: null,
  }
}
