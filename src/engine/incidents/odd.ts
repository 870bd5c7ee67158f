import { oddWords } from '../../core/odd-words.ts'
import type { Actor, BackupResult, RunView, StrategyView } from '../../core/model.ts'
import { unlike } from '../../core/usual.ts'
import { saveAccepted } from '../../state/earlier.ts'
import type { Read, Write } from '../../state/database.ts'
import { oddSubject, openIncidents, type Incident } from '../../state/incidents.ts'
import type { EngineContext } from '../context.ts'
import { newIncident } from './count.ts'
import { close, closeQuietly, keep } from './tell.ts'

/** Counts a good backup that is not as usual: those of a series in a row are one incident, until one is as usual again, or somebody
 * finds them right. People are called for the first, and for one that is odd in another way than the one before. One that nobody
 * can judge changes nothing. */
export async function noteOdd(context: EngineContext, tx: Write, run: RunView): Promise<void> {
  const { backup, strategy, series } = run
  if (!backup?.odd) return
  const subject = oddSubject(strategy, series)
  const known = (await openIncidents(tx)).find((one) => one.subject === subject)
  if (backup.odd.length === 0) {
    if (known) await close(context, tx, known)
    return
  }
  const incident = known ?? (await opened(context, tx, { run, subject }))
  const isNews = known?.odd !== undefined && isWorse(context, { was: known, is: backup, strategy })
  await keep(context, tx, {
    incident: { ...withBackup(context, incident, { run, backup }), callAt: isNews ? 0 : never },
    turn: isNews ? { now: context.clock.now() } : null,
  })
}

const never = Number.MAX_SAFE_INTEGER // it is said when something is new, and not by how often

function opened(
  context: EngineContext,
  tx: Write,
  { run: { strategy, timezone }, subject }: { run: RunView; subject: string },
): Promise<Incident> {
  return newIncident(context, tx, {
    subject,
    kind: 'odd',
    strategy,
    where: strategy,
    reason: subject,
    quiet: false,
    timezone,
    callAt: never,
    late: false,
  })
}

function isWorse(
  { config }: EngineContext,
  { was, is, strategy }: { was: Incident; is: BackupResult; strategy: string },
): boolean {
  const limits = config.strategies.find(({ name }) => name === strategy)?.expect
  return limits !== undefined && unlike(is.odd ?? [], was.odd?.found ?? [], limits).length > 0
}

function withBackup(
  { clock }: EngineContext,
  incident: Incident,
  { run, backup }: { run: RunView; backup: BackupResult },
): Incident {
  const { strategy, nextAt, endedAt } = run
  const found = backup.odd ?? []
  const why = oddWords(found)
  const failures = incident.failures + 1
  const member = {
    strategy,
    state: 'odd',
    failures,
    run: run.id,
    why,
    lastGoodAt: endedAt,
    overdueSince: null,
    expected: null,
    nextAt,
  } as const
  return {
    ...incident,
    why,
    hint: 'look at what changed in the database while older backups are there; Acknowledge takes it as usual from now on',
    odd: { backup: backup.id, found },
    failures,
    lastFailedAt: clock.now(),
    members: [member],
    ever: [strategy],
    snoozed: incident.snoozed?.until === null ? null : incident.snoozed,
  }
}

/** Somebody looked and found it right: what is like this backup is usual from now on. */
export async function acceptOdd(
  context: EngineContext,
  tx: Write,
  { incident, actor }: { incident: Incident; actor: Actor },
): Promise<Incident> {
  if (incident.odd) await saveAccepted(tx, incident.strategy, incident.odd.backup)
  const acknowledged = { by: actor, at: context.clock.now() }
  const closed = { ...incident, acknowledged, acts: incident.acts + 1 }
  await closeQuietly(context, tx, closed)
  return { ...closed, state: 'recovered', closedAt: acknowledged.at }
}

/** The newest backup of a strategy that is not as usual, while nobody has found it right. */
export async function oddStanding(
  db: Read,
  strategy: string,
): Promise<NonNullable<StrategyView['odd']> | null> {
  const open = await openIncidents(db)
  const incident = open.find((one) => one.kind === 'odd' && one.strategy === strategy)
  if (!incident?.odd) return null
  return {
    backup: incident.odd.backup,
    why: incident.why ?? '',
    since: incident.openedAt,
    incident: incident.id,
  }
}
