import type { IncidentMember, IncidentView } from '../../src/core/incidents.ts'
import type { Message, MessageBody } from '../../src/core/messages.ts'
import type { NotificationConfig } from '../../src/core/notifications.ts'
import { createScrub } from '../../src/core/secret.ts'
import type { NotifierContext } from '../../src/notifiers/notifier.ts'
import { createLog } from '../../src/observe/log.ts'
import { fakeClock, type FakeClock } from '../support/clock.ts'
import { run, succeeded } from '../slack/samples.ts'

/** What a notifier is opened with; its log is kept. */
export interface House {
  clock: FakeClock
  logged: string[]
  context: NotifierContext
}

export const canary = 'canary-7Kq/w+9:very"secret'

export function makeHouse(more: Partial<NotifierContext> = {}): House {
  const clock = fakeClock()
  const logged: string[] = []
  const scrub = createScrub([canary])
  const log = createLog({
    level: 'debug',
    scrub,
    destination: { write: (line: string) => void logged.push(line) },
    pretty: false,
  })
  return {
    clock,
    logged,
    context: { clock, log, scrub, version: '1.2.3', host: 'db-host', installation: 'here', ...more },
  }
}

export function settings(
  changes: Partial<NotificationConfig> & Pick<NotificationConfig, 'kind'>,
): NotificationConfig {
  return {
    name: changes.kind,
    on: ['success', 'failure', 'overdue', 'recovered', 'restore'],
    strategies: null,
    options: {},
    ...changes,
  }
}

export function message(key: string, body: MessageBody): Message {
  return { key, strategy: null, audience: 'default', parent: null, priority: 2, version: 1, body }
}

/** The end of a good backup; each number another run. */
export function goodBackup(number = 1): Message {
  const id = `run-${number}`
  return message(`run/${id}/card`, { type: 'run.card', run: succeeded({ id }) })
}

export function startedBackup(number = 1): Message {
  const id = `run-${number}`
  return message(`run/${id}/card`, { type: 'run.card', run: run({ id }) })
}

export function incident(changes: Partial<IncidentView> = {}): IncidentView {
  const openedAt = Date.parse('2026-11-20T06:00:00Z')
  return {
    id: 'i261120060000abcd',
    kind: 'series',
    state: 'open',
    into: null,
    where: 'production-db',
    code: 'database-refused',
    why: 'password refused',
    hint: 'correct the password',
    openedAt,
    heldUntil: openedAt,
    closedAt: null,
    failures: 1,
    lastFailedAt: openedAt,
    members: [member()],
    troubled: 1,
    everTroubled: 1,
    acknowledged: null,
    snoozed: null,
    acts: 0,
    quiet: false,
    timezone: 'UTC',
    ...changes,
  }
}

export function member(changes: Partial<IncidentMember> = {}): IncidentMember {
  return {
    strategy: 'production-db',
    state: 'failing',
    failures: 1,
    run: 'run-k3f9',
    why: 'password refused',
    lastGoodAt: Date.parse('2026-11-20T00:00:00Z'),
    overdueSince: null,
    expected: 'every 6h',
    nextAt: Date.parse('2026-11-20T12:00:00Z'),
    ...changes,
  }
}

/** The head of an incident. */
export function head(view: IncidentView): Message {
  return message(`incident/${view.id}`, { type: 'incident', incident: view })
}
