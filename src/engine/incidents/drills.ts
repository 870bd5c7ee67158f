import type { Event } from '../../core/events.ts'
import type { Lost } from '../../core/incidents.ts'
import type { RunView } from '../../core/model.ts'
import { subjectOf } from '../../core/subject.ts'
import type { Write } from '../../state/database.ts'
import { assignIncident, drillSubject, openIncidents, type Incident } from '../../state/incidents.ts'
import type { EngineContext } from '../context.ts'
import { nextCall } from './calls.ts'
import { newIncident } from './count.ts'
import type { Noted } from './note.ts'
import { close, keep } from './tell.ts'

/** Counts the end of a drill: those of a strategy that fail are one incident until one passes. One that could not tell changes
 * nothing: neither does it call people, nor are they told that all is well. */
export async function noteDrill(context: EngineContext, tx: Write, run: RunView): Promise<Noted> {
  const known = (await openIncidents(tx)).find(({ subject }) => subject === drillSubject(subjectOf(run)))
  if (run.drill?.verdict === 'pass' && known) await close(context, tx, known)
  const incident = run.state === 'failed' ? await countFailure(context, tx, { run, known }) : null
  return { incident, events: eventsOf(run) }
}

function eventsOf({ id, strategy, drill }: RunView): Event[] {
  if (!drill) return []
  const { verdict, restoreMs } = drill
  return [{ type: 'drill.ended', run: id, strategy, verdict, restoreMs }]
}

async function countFailure(
  context: EngineContext,
  tx: Write,
  { run, known }: { run: RunView; known: Incident | undefined },
): Promise<string> {
  const incident = known ?? (await opened(context, tx, run))
  const failures = incident.failures + 1
  const now = context.clock.now()
  const woke = incident.snoozed?.until === null
  await keep(context, tx, {
    incident: {
      ...incident,
      code: run.fault?.code ?? null,
      why: run.drill?.why ?? run.fault?.text ?? null,
      hint: run.fault?.hint ?? null,
      lost: lostIn(run),
      failures,
      lastFailedAt: now,
      members: [memberOf(run, failures)],
      ever: [run.strategy],
      snoozed: woke ? null : incident.snoozed,
    },
    turn: known ? { now, woke } : null,
  })
  await assignIncident(tx, run.id, incident.id)
  return incident.id
}

function lostIn({ drill, stillGood }: RunView): Lost | null {
  return drill && stillGood !== undefined ? { backup: drill.backup, stillGood } : null
}

function opened(context: EngineContext, tx: Write, run: RunView): Promise<Incident> {
  const { strategy, timezone } = run
  const subject = drillSubject(subjectOf(run))
  return newIncident(context, tx, {
    subject,
    kind: 'drill',
    strategy,
    where: strategy,
    reason: subject,
    quiet: false,
    timezone,
    callAt: nextCall(1),
    late: false,
  })
}

function memberOf(run: RunView, failures: number): Incident['members'][number] {
  return {
    strategy: run.strategy,
    state: 'failing',
    failures,
    run: run.id,
    why: run.drill?.why ?? run.fault?.text ?? null,
    lastGoodAt: run.stillGood?.createdAt ?? null,
    overdueSince: null,
    expected: null,
    nextAt: run.nextAt,
  }
}
