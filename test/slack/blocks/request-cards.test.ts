import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MessageBody } from '../../../src/core/messages.ts'
import type { RequestView, RestorePlan } from '../../../src/core/model.ts'
import { drawMessage } from '../../../src/slack/blocks/message.ts'
import { at, request, undecided } from '../samples.ts'

const lines = (body: MessageBody): string[] =>
  drawMessage(body, { mentions: [], approvals: 'C0APPROVE', blocks: 'basic' }).text.split('\n')

const { plan } = request()
const inPlace: RestorePlan = {
  ...plan,
  target: { ...plan.target, mode: 'in-place', name: 'myapp', exists: true, overwritten: true, sessions: 14 },
  steps: ['safety backup', 'restore beside', 'compare 8 tables', 'swap'],
}
const needs = { ...undecided.needs, typed: true, reason: true, second: true, whom: ['S0LEADS01'] } as const

function asked(changes: Partial<RequestView> = {}): RequestView {
  return request({ state: 'waiting', plan: inPlace, needs, ...changes })
}

const card = (changes?: Partial<RequestView>): string[] =>
  lines({ type: 'request.card', request: asked(changes) })
const carol = { decidedBy: { via: 'slack', id: 'U0CAROL01' }, decidedAt: at('10:53:00') } as const
const root = { decidedBy: { via: 'cli', id: 'root' }, decidedAt: at('10:53:00'), brokeGlass: true } as const

test('what needs a second person says what it would lose, and who may decide it until when', () => {
  const [headline, ...rest] = card()
  assert.equal(
    headline,
    '🟡 Restore production-db in place of myapp?  asked by <@U0ALICE01> · "bad migration at 10:40"',
  )
  assert.deepEqual(rest.slice(2, 4), [
    'Will do  safety backup → restore beside → compare 8 tables → swap',
    'Loses  what was written since the backup (about 4 h 52 min)',
  ])
  assert.equal(
    rest.at(-1),
    'Needs a second person from <!subteam^S0LEADS01> · expires 11:22 UTC · bound to this plan: any change voids it',
  )
  assert.match(card({ timezone: 'Europe/Paris' }).at(-1)!, / · expires 12:22 · /)
  const { blocks } = drawMessage(
    { type: 'request.card', request: asked() },
    { mentions: [], approvals: '', blocks: 'basic' },
  )
  assert.match(JSON.stringify(blocks), /"Approve…".*"Are you the second person\?".*"Reject…"/)
})

test('the record says who decided, when and why', () => {
  const last = (changes: Partial<RequestView>): string => card(changes).at(-1)!
  const when = '20 Nov 2026, 10:53 UTC'
  assert.equal(
    last({ ...carol, state: 'done', run: 'r1k3f9', decision: 'looked' }),
    `approved by <@U0CAROL01> · ${when} · "looked" · done · run k3f9`,
  )
  assert.equal(
    last({ ...carol, state: 'rejected', decision: 'no' }),
    `rejected by <@U0CAROL01> · ${when} · "no" · nothing was changed`,
  )
  const stale = { code: 'stale', text: 'myapp is gone', hint: null } as const
  assert.equal(
    last({ ...carol, state: 'cancelled', fault: stale }),
    `void: myapp is gone · ${when} · nothing was changed`,
  )
  const stopped = { code: 'cancelled', text: 'cancelled', hint: 'by U0BOB0001' } as const
  assert.equal(
    last({ ...carol, state: 'cancelled', fault: stopped, run: 'r1k3f9' }),
    `approved by <@U0CAROL01> · ${when} · stopped by <@U0BOB0001> · run k3f9`,
  )
})

test('what was done on the host alone is loud until it is reviewed', () => {
  const glass = { ...root, state: 'done', requester: root.decidedBy, reason: 'nobody is awake' } as const
  const [headline, ...rest] = card(glass)
  assert.match(
    headline!,
    /^🚨 Restored production-db in place of myapp {2}asked by root \(command line\) · "nobody is awake"/,
  )
  assert.match(
    rest.join('\n'),
    /Done on the host without the second person it needs\. An admin is asked to review it\./,
  )
  const [call] = lines({ type: 'request.glass', request: asked(glass) })
  assert.match(
    call!,
    /^🚨 <!subteam\^S0LEADS01>: root \(command line\) did this on the host, without a second person · "nobody is awake"/,
  )
  const reviewed = { ...glass, reviewedBy: carol.decidedBy, reviewedAt: at('11:00:00') }
  assert.match(card(reviewed)[0]!, /^✅ Restored/)
  assert.deepEqual(lines({ type: 'request.glass', request: asked(reviewed) }), [
    '✅ Reviewed by <@U0CAROL01>',
  ])
})

test('whoever asked reads what became of it, and where the card is', () => {
  const told = lines({
    type: 'request.told',
    request: asked({ ...carol, state: 'rejected', decision: 'no' }),
    to: 'U0ALICE01',
  })
  assert.equal(told[0], '⛔ Your request was rejected by <@U0CAROL01> · "no"')
  assert.equal(told.at(-1), 'request req-1 · its card is in <#C0APPROVE>')
})

test('what is not known of a first restore is said as such', () => {
  const first = { ...inPlace, expectedMs: null, neededBytes: 2_300_000, freeBytes: 69_000_000_000 }
  assert.ok(card({ plan: first }).includes('Takes  unknown (first restore) · Space  2.3 MB of 69 GB free'))
})

test('the record of a restore in place names the database that is kept', () => {
  const kept = 'myapp_before_20261120_105200'
  const swap = { beside: 'myapp_restore_20261120_105200', kept, undoMs: 86_400_000, newest: null }
  const target = card({ ...carol, state: 'done', run: 'r1k3f9', plan: { ...inPlace, swap } })[2]!
  assert.match(
    target,
    /^Target {2}myapp on .* · was replaced; the old one is kept as myapp_before_20261120_105200 for 1 d$/,
  )
})

test('why it failed stands on a line of its own, in normal print', () => {
  const fault = {
    code: 'sanitize-failed',
    text: 'clean.sql: no such table',
    hint: 'correct the file',
  } as const
  const { blocks } = drawMessage(
    { type: 'request.card', request: asked({ ...carol, state: 'failed', fault, run: 'r1k3f9' }) },
    { mentions: [], approvals: '', blocks: 'basic' },
  )
  const of = (type: string): string => JSON.stringify(blocks.filter((block) => block.type === type))
  assert.match(of('section'), /\*clean\.sql: no such table\* \(sanitize-failed\)\\nCorrect the file\./)
  assert.doesNotMatch(of('context'), /clean\.sql/)
})
