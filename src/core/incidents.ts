import type { FaultCode } from './faults.ts'
import type { Actor, RunView } from './model.ts'
import type { Oddity } from './usual.ts'

/** Trouble that goes on: one thread, however often it shows itself, from its first sign until all is well again. */
export interface IncidentView {
  id: string
  /** series: the backups of one strategy fail or are missing. place: a place takes none. shared: many strategies, one reason.
   * drill: the backups of one strategy do not restore. odd: its newest one is good, and not as usual. */
  kind: 'series' | 'place' | 'shared' | 'drill' | 'odd'
  /** joined: it became a part of the incident `into`; null = it is about nothing that is configured any more. */
  state: 'open' | 'recovered' | 'joined'
  into: string | null
  /** The strategy; the place; or where it happens: a database server, this machine. */
  where: string
  /** Of the newest failure; null while backups are only missing. */
  code: FaultCode | null
  why: string | null
  hint: string | null
  openedAt: number
  /** Not shown before: others may fail for the same reason, and then it is one incident. */
  heldUntil: number
  closedAt: number | null
  /** In a row; of several strategies the most. */
  failures: number
  lastFailedAt: number | null
  /** Who is in trouble now, the worst first, at most 60 of them; `troubled` counts all. */
  members: IncidentMember[]
  /** Only of kind `drill`: what the newest failure means; null: no backup was found bad. */
  lost?: Lost | null
  /** Only of kind `odd`: the newest backup that is not as usual. */
  odd?: { backup: string; found: Oddity[] }
  troubled: number
  /** How many were in it at any time. */
  everTroubled: number
  acknowledged: { by: Actor; at: number } | null
  /** Nobody is called until then; null = until the next run has ended. */
  snoozed: { by: Actor; at: number; until: number | null } | null
  /** Grows when somebody acknowledges or snoozes: a button of an older state is stale. */
  acts: number
  /** It was opened without calling anybody: somebody was called for the same reason a moment before, or nothing failed yet. */
  quiet: boolean
  /** What was said below it so far, each once: who heard nothing of its head may have heard of these. Absent: nothing. */
  noted?: readonly Exclude<IncidentNote, 'recovered'>[]
  timezone: string
}

/** A backup that a drill found bad, and the newest that is still offered; null = none is. */
export interface Lost {
  backup: string
  stillGood: NonNullable<RunView['stillGood']> | null
}

export interface IncidentMember {
  strategy: string
  /** owed: it has a good backup, and this place does not. odd: it has one that is not as usual. */
  state: 'failing' | 'overdue' | 'owed' | 'odd'
  /** In a row. */
  failures: number
  /** The newest run that failed. */
  run: string | null
  why: string | null
  lastGoodAt: number | null
  /** From when on a new backup was missing; null = it is not late. */
  overdueSince: number | null
  /** How often one is expected, as people say it. */
  expected: string | null
  nextAt: number | null
}

/** What is said below an incident, as a new message.
 * again: so many failures in a row. late: past the promised age. spread: many strategies by now. awake: the snooze is over, the
 * trouble is not. All but `recovered` call people. */
export type IncidentNote = 'again' | 'late' | 'spread' | 'awake' | 'recovered'

export interface IncidentAsk {
  /** An incident's id, or a strategy that is in an open one. */
  what: string
  /** What the button showed; an older one is refused. Absent: whatever holds now. */
  acts?: number
}

/** The part of the engine's door that is about incidents. */
export interface IncidentDoor {
  /** Trouble that goes on, the oldest first. */
  incidents(): Promise<IncidentView[]>
  /** @param what  an incident's id, or a strategy that is in an open one. @throws Fault not-found */
  incident(what: string): Promise<IncidentView>
  /** Somebody looks after it: nobody is called again until it is past its promised age. @throws Fault not-found · stale */
  acknowledge(ask: IncidentAsk, actor: Actor): Promise<IncidentView>
  /** Nobody is called until then. @param ask.until  epoch ms; null = until the next run has ended. @throws Fault not-found · stale */
  snooze(ask: IncidentAsk & { until: number | null }, actor: Actor): Promise<IncidentView>
}
