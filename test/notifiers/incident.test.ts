import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { IncidentNote, IncidentView } from '../../src/core/incidents.ts'
import type { Message } from '../../src/core/messages.ts'
import { occurrenceOf } from '../../src/notifiers/occurrence.ts'
import { failedRun } from '../slack/samples.ts'
import { head, incident, member, message } from './house.ts'

/** What somebody hears of a message, in a few words. */
function heard(what: Message, strategies: string[] | null = null, told: string[] = []): string | null {
  const occurrence = occurrenceOf(what, { strategies, on: ['failure'], told })
  return occurrence && `${occurrence.kind} ${occurrence.topics.join('+')}: ${occurrence.title}`
}

const note = (which: IncidentNote, view: IncidentView): Message =>
  message(`incident/${view.id}/1`, { type: 'incident.note', note: which, incident: view })

const many = incident({
  kind: 'shared',
  where: 'db.example.com',
  members: [member(), member({ strategy: 'shop' })],
  troubled: 2,
  everTroubled: 7,
})

suite('an incident, for who is told of events', () => {
  test('is its first failure, what makes it worse, and its end', () => {
    assert.equal(heard(head(incident())), 'failure failure: production-db: backup failed: password refused')
    assert.equal(
      heard(note('again', incident({ failures: 3 }))),
      'escalation failure: production-db: 3 failures in a row: password refused',
    )
    assert.match(heard(note('late', incident()))!, /^escalation failure\+overdue: .*past the promised age/)
    assert.match(
      heard(note('spread', many))!,
      /^escalation failure: 2 strategies: fail for this reason by now/,
    )
    const over = incident({ state: 'recovered', closedAt: incident().openedAt + 3_600_000 })
    assert.equal(heard(head(over)), null)
    assert.equal(
      heard(note('recovered', over)),
      'recovered recovered: production-db: backed up again after 1 h',
    )
  })

  test('in which a backup is only missing is overdue, and a failure once one fails', () => {
    const since = Date.parse('2026-11-20T15:00:00Z')
    const late = incident({
      why: null,
      code: null,
      members: [member({ state: 'overdue', overdueSince: since })],
    })
    assert.equal(
      heard(head(late)),
      'overdue overdue: production-db: overdue, no new backup since 2026-11-20 15:00 UTC',
    )
    assert.match(heard(head(incident()), null, ['overdue'])!, /^failure /)
  })

  test('that calls nobody is told only to who hears of some strategies', () => {
    const quiet = incident({ quiet: true })
    assert.equal(heard(head(quiet)), null)
    assert.match(heard(head(quiet), ['production-db'])!, /^failure /)
  })

  test('of many is over for one of them when that one is well again', () => {
    assert.match(
      heard(head(many), ['shop'])!,
      /^failure failure: 2 strategies: no new backup, for one reason/,
    )
    const without = { ...many, members: [member()], troubled: 1 }
    assert.equal(heard(head(without), ['shop'], ['failure']), 'recovered recovered: shop: backed up again')
    assert.equal(
      heard(head({ ...without, troubled: 90 }), ['shop'], ['failure'])?.startsWith('failure'),
      true,
    )
  })

  test('counts the failures of its runs: those are not told again', () => {
    const alarm = (run: ReturnType<typeof failedRun>): Message =>
      message('run/a/alarm', { type: 'run.alarm', run })
    assert.equal(heard(alarm(failedRun({ incident: 'i1' }))), null)
    assert.match(heard(alarm(failedRun({ kind: 'verify' })))!, /^failure failure: .*could not be verified/)
  })
})
