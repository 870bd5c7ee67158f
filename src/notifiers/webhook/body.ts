import { createHmac } from 'node:crypto'
import { oddWords } from '../../core/odd-words.ts'
import type { DrillResult } from '../../core/drill.ts'
import type { NotifierContext } from '../notifier.ts'
import { identityOf, tookMs, type Occurrence } from '../occurrence.ts'

/** What a webhook is sent: docs/notifications.md. Fields are added, never changed; a change of meaning is another `schema`. */
export interface WebhookBody {
  schema: 1
  /** The same in every retry, and of no other event. */
  id: string
  event: string
  status: Occurrence['status']
  /** ISO 8601, UTC. */
  at: string
  title: string
  /** null when it is about several, or the whole service. */
  strategy: string | null
  strategies: string[]
  /** backup, restore, verify, prune, drill; null when it is not about runs. */
  kind: string | null
  run: string | null
  /** Shared by all that is told of one trouble. */
  incident: string | null
  /** succeeded, degraded, failed …; null when it is not about a run. */
  outcome: string | null
  backup: string | null
  /** As stored. */
  bytes: number | null
  raw_bytes: number | null
  level: string | null
  /** Places that hold the backup; of a restore its target. */
  destination: string[]
  /** Places that should hold it and do not yet. */
  missing: string[]
  /** Seconds. */
  duration: number | null
  error: string | null
  error_code: string | null
  hint: string | null
  failures_in_a_row: number | null
  last_good_at: string | null
  next_run_at: string | null
  /** What of a good backup is not as usual, in words; null: all is, or nobody can tell. */
  suspicious: string | null
  /** Of a drill that came to a verdict. */
  drill: WebhookDrill | null
  host: string
  /** What people read. */
  text: string
  installation: string
  version: string
}

export interface WebhookDrill {
  verdict: DrillResult['verdict']
  why: string | null
  server: string
  tables: number | null
  rows: number | null
  /** Kinds of schema objects that were compared. */
  objects: number | null
  checks: { name: string; ok: boolean; found: string | null; expected: string }[]
  /** Seconds: fetch, verify and restore; now, and of the passed drill before. */
  restore_seconds: number | null
  previous_restore_seconds: number | null
  evidence: { storage: string; key: string } | null
  /** The newest backup that is still offered, when this one is not any more. */
  still_good: string | null
}

export type Sender = Pick<NotifierContext, 'installation' | 'version' | 'host' | 'scrub'> & { now: number }

export function bodyOf(occurrence: Occurrence, sender: Sender): WebhookBody {
  const { kind, status, strategies, error, facts } = occurrence
  const { installation, version, host, now, scrub } = sender
  const title = scrub(occurrence.title)
  const hint = occurrence.hint === null ? null : scrub(occurrence.hint)
  const lines = facts.map(([label, value]) => scrub(`${label}: ${value}`))
  return {
    schema: 1,
    id: identityOf(occurrence, installation),
    event: kind,
    status,
    at: new Date(occurrence.at ?? now).toISOString(),
    title,
    strategy: strategies?.length === 1 ? strategies[0]! : null,
    strategies: [...(strategies ?? [])],
    ...aboutRun(occurrence),
    ...aboutBackup(occurrence),
    suspicious: suspicious(occurrence, scrub),
    drill: aboutDrill(occurrence, scrub),
    error: error ? scrub(error.text) : null,
    error_code: error?.code ?? null,
    hint,
    text: [title, ...lines, ...(hint === null ? [] : [hint])].join('\n'),
    host,
    installation,
    version,
  }
}

/** Of what an incident tells first. */
const outcomes: Partial<Record<Occurrence['kind'], string>> = { failure: 'failed', warning: 'succeeded' }

type AboutRun = 'kind' | 'run' | 'incident' | 'outcome' | 'duration' | 'failures_in_a_row' | 'last_good_at' | 'next_run_at' // prettier-ignore

function aboutRun({ kind, run, incident }: Occurrence): Pick<WebhookBody, AboutRun> {
  const first = ['series', 'odd'].includes(incident?.kind ?? '') ? incident?.members[0] : undefined
  const ms = run ? tookMs(run) : null
  return {
    kind: run?.kind ?? (incident ? 'backup' : null),
    run: run?.id ?? first?.run ?? null,
    incident: incident?.id ?? null,
    outcome: run?.state ?? outcomes[kind] ?? null,
    duration: ms === null ? null : ms / 1000,
    failures_in_a_row: run?.failuresInARow ?? (incident?.kind === 'odd' ? 0 : incident?.failures) ?? null,
    last_good_at: iso(run?.lastGoodAt ?? first?.lastGoodAt),
    next_run_at: iso(run?.nextAt ?? first?.nextAt),
  }
}

type AboutBackup = 'backup' | 'bytes' | 'raw_bytes' | 'level' | 'destination' | 'missing'

function aboutBackup({ run, incident }: Occurrence): Pick<WebhookBody, AboutBackup> {
  const backup = run?.backup
  return {
    backup: backup?.id ?? run?.backupId ?? incident?.odd?.backup ?? null,
    bytes: backup?.storedBytes ?? null,
    raw_bytes: backup?.rawBytes ?? null,
    level: backup?.level ?? null,
    destination: backup?.storages ?? (run?.restore ? [run.restore.target] : []),
    missing: backup?.owed.map(({ storage }) => storage) ?? [],
  }
}

function suspicious({ run, incident }: Occurrence, scrub: (text: string) => string): string | null {
  const found = run?.backup?.odd ?? incident?.odd?.found ?? []
  return found.length === 0 ? null : scrub(oddWords(found))
}

function aboutDrill({ run }: Occurrence, scrub: (text: string) => string): WebhookDrill | null {
  if (!run?.drill) return null
  const { verdict, why, server, tables, rows, objects, checks, restoreMs, previousMs, evidence } = run.drill
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1000)
  return {
    verdict,
    why: why === null ? null : scrub(why),
    server,
    tables,
    rows,
    objects,
    checks: checks.map((check) => ({ ...check, found: check.found === null ? null : scrub(check.found) })),
    restore_seconds: seconds(restoreMs),
    previous_restore_seconds: seconds(previousMs),
    evidence,
    still_good: run.stillGood?.id ?? null,
  }
}

function iso(at: number | null | undefined): string | null {
  return at === null || at === undefined ? null : new Date(at).toISOString()
}

/** `t=<Unix seconds>,v1=<hex HMAC-SHA256 of "<t>.<body>">`: the time is signed, so that an old request cannot be played again. */
export function signatureOf(body: string, secret: string, now: number): string {
  const t = Math.floor(now / 1000)
  return `t=${t},v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`
}
