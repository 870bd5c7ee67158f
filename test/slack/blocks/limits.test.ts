import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HomeView } from '@slack/types'
import { checkBlocks } from '../../../playground/validate/blocks.ts'
import { refusedView } from '../../../playground/validate/views.ts'
import { limits } from '../../../playground/limits.ts'
import { Fault, faultTable } from '../../../src/core/faults.ts'
import type { FaultCode } from '../../../src/core/faults.ts'
import type { IncidentView } from '../../../src/core/incidents.ts'
import type { MessageBody } from '../../../src/core/messages.ts'
import { outcomes } from '../../../src/core/model.ts'
import { requestStates } from '../../../src/core/request-states.ts'
import type {
  AnyRequestView,
  RequestState,
  RunKind,
  RunState,
  RunView,
  Stage,
  StrategyView,
} from '../../../src/core/model.ts'
import type { Cell, Reply } from '../../../src/commands/reply.ts'
import type { Drawn } from '../../../src/slack/blocks/elements.ts'
import { homeFault, homeView } from '../../../src/slack/blocks/home.ts'
import { drawMessage } from '../../../src/slack/blocks/message.ts'
import { faultView, loadingView, logView } from '../../../src/slack/blocks/modals.ts'
import { drawFault, drawReply } from '../../../src/slack/blocks/reply.ts'
import { rejectDialog } from '../../../src/slack/blocks/reject-dialog.ts'
import { plannedView, restoreDialog } from '../../../src/slack/blocks/restore-dialog.ts'
import {
  at,
  backup,
  bomb,
  failedRun,
  incident,
  longName,
  pruneRequest,
  request,
  run,
  strategy,
  succeeded,
  undecided,
} from '../samples.ts'

/** Texts nobody wishes for: the longest, the most escaped, the most hostile. */
const texts = {
  usual: 'password refused for user backup',
  long: 'relation does not exist & '.repeat(400),
  ampersands: '&'.repeat(10_000),
  angles: '<>'.repeat(5_000),
  emoji: '🏳️‍🌈'.repeat(2_000),
  backticks: '`'.repeat(10_000),
  lines: 'ERROR: x\n'.repeat(1_200),
  bomb: bomb.repeat(80),
}
const ids = [
  [longName, `${longName}-20261120T060000Z-k3f9`],
  ['a', 'k3f9'],
] as const
const longestId = ids[0][1]

function checkMessage(drawn: Drawn, what: string): void {
  const report = checkBlocks(drawn.blocks, 'message')
  assert.deepEqual(report.problems, [], what)
  assert.ok(report.characters <= limits.message.blocksText, `${what}: ${report.characters} characters`)
  assert.ok(drawn.text.length > 0 && drawn.text.length <= 3500, `${what}: text of ${drawn.text.length}`)
  harmless(drawn, what)
}

function home(strategies: StrategyView[], style: 'basic' | 'rich'): HomeView {
  const names = new Set(strategies.map(({ name }) => name))
  const board = { running: [], requests: [], incidents: [], places: [] }
  const rights = { run: names, cancel: names, restore: names, drill: names, decide: names }
  return homeView({ strategies, board, rights, user: 'U0BOB0001', now: at('10:00:00') }, style)
}

function checkView(view: { type: string }, what: string): void {
  assert.equal(refusedView(view, view.type as 'modal' | 'home'), null, what)
  harmless(view, what)
}

/** No mention, link or broken token that is not ours: every `<` starts a whole token of a kind we write. */
function harmless(sent: unknown, what: string): void {
  for (const text of markupIn(sent)) {
    for (const [token] of text.matchAll(/<[^>]*>?/g)) {
      assert.match(
        token,
        /^<(?:@U0[A-Z0-9]+|!subteam\^S0[A-Z0-9]+|#C0[A-Z0-9]+|!date\^\d+\^[^|<>]+\|[^<>]+)>$/,
        `${what}: ${token}`,
      )
      assert.notEqual(token, '<!channel>')
    }
    assert.doesNotMatch(text, /&(?!amp;|lt;|gt;)/, `${what}: a broken entity`)
    assert.doesNotMatch(text, /[\uD800-\uDBFF](?![\uDC00-\uDFFF])/, `${what}: half a character`)
    assert.doesNotMatch(text, /\p{Bidi_Control}/u, what)
  }
}

/** All mrkdwn strings: `text` of mrkdwn objects, and the message's own `text`. */
function markupIn(sent: unknown): string[] {
  if (Array.isArray(sent)) return sent.flatMap(markupIn)
  if (typeof sent !== 'object' || sent === null) return []
  const { type, text } = sent as { type?: unknown; text?: unknown }
  const own = typeof text === 'string' && (type === 'mrkdwn' || type === undefined) ? [text] : []
  return [...own, ...Object.values(sent).flatMap(markupIn)]
}

const people = Array.from({ length: 40 }, (_, index) => (index % 2 ? `S0DBA${index}` : `U0ALICE${index}`))
const states: RunState[] = ['queued', 'running', ...outcomes]
const kinds: RunKind[] = ['backup', 'restore', 'verify', 'drill', 'prune']
const stages: (Stage | null)[] = [
  'starting',
  'dump',
  'upload',
  'proof',
  'manifest',
  'verify',
  'fetch',
  'restore',
  'check',
  'waiting',
  null,
]

function* runs(text: string, name: string, id: string): Generator<RunView> {
  const fault = { code: 'dump-failed' as const, text, hint: text }
  const base = {
    id,
    strategy: name,
    series: text,
    engine: text,
    host: text,
    schedule: text,
    attempt: 3,
    maxAttempts: 5,
    lastGoodAt: null,
  }
  const actor = { via: 'cli' as const, id: text }
  const result = {
    ...succeeded().backup!,
    id,
    storages: Array.from({ length: 30 }, () => text),
    warnings: Array.from({ length: 40 }, () => text),
  }
  for (const state of states)
    for (const kind of kinds) {
      for (const stage of stages)
        yield run({
          ...base,
          state,
          kind,
          stage,
          fault,
          actor,
          trigger: 'person',
          backupId: id,
          endedAt: at('06:00:09'),
        })
      yield run({ ...base, state, kind, backup: result, startedAt: null })
      yield run({
        ...base,
        state,
        kind,
        endedAt: at('09:00:00'),
        restore: {
          request: null,
          backup: id,
          target: text,
          endpoint: text,
          tables: 1,
          rows: 1,
          fetchMs: 1,
          restoreMs: 1,
          warnings: [text, text, text, text, text, text],
          open: text,
        },
      })
      yield run({ ...base, state, kind, verify: { backup: id, level: 'V2', tables: null, rows: null } })
    }
  yield run({
    ...base,
    progress: { stage: 'dump', bytes: 9e15, expectedBytes: 1, bytesPerSecond: 1e15, remainingMs: 1e12 },
  })
  yield failedRun({ ...base, fault, failuresInARow: 1_000_001 })
  for (const verdict of ['pass', 'fail', 'inconclusive'] as const)
    yield run({
      ...base,
      kind: 'drill',
      state: 'degraded',
      fault,
      drill: {
        backup: id,
        verdict,
        why: text,
        server: text,
        tables: 1e12,
        rows: 9e15,
        objects: 1_000,
        checks: Array.from({ length: 60 }, (_, n) => ({
          name: text,
          ok: n % 2 > 0,
          found: text,
          expected: text,
        })),
        restoreMs: 1e12,
        previousMs: 1,
        evidence: { storage: text, key: text },
      },
      stillGood: { id, createdAt: 0, level: 'V3' },
    })
}

function* bodies(text: string, name: string, id: string): Generator<MessageBody> {
  for (const one of runs(text, name, id)) {
    yield { type: 'run.card', run: one }
    yield { type: 'run.progress', run: one }
    yield { type: 'run.alarm', run: one }
  }
  for (const state of requestStates)
    for (const request of worstRequests(text, { name, id, state })) {
      yield { type: 'request.card', request }
      yield { type: 'request.ping', request, over: false }
      yield { type: 'request.glass', request }
      yield { type: 'request.told', request, to: 'U0ALICE01' }
    }
  for (const one of worstIncidents(text, name, id)) {
    yield { type: 'incident', incident: one }
    if (one.state === 'open')
      for (const note of ['again', 'late', 'spread', 'awake', 'recovered'] as const)
        yield { type: 'incident.note', note, incident: one }
  }
  for (const urgent of [true, false]) yield { type: 'notice', title: text, text, urgent }
}

function* worstIncidents(text: string, name: string, id: string): Generator<IncidentView> {
  const states = ['failing', 'overdue', 'owed'] as const
  for (const kind of ['series', 'place', 'shared', 'drill', 'odd'] as const)
    for (const state of ['open', 'recovered', 'joined'] as const)
      for (const member of state === 'open' ? states : states.slice(0, 1)) {
        const by = { by: { via: 'cli' as const, id: text }, at: at('06:00:00') }
        yield incident({
          id,
          kind,
          state,
          where: text,
          why: text,
          hint: text,
          failures: 1_000_001,
          ...(kind === 'drill' && { lost: { backup: id, stillGood: null } }),
          ...(kind === 'odd' && { odd: { backup: id, found: [] } }),
          troubled: 5_000,
          members: Array.from({ length: 60 }, () => ({
            ...incident().members[0]!,
            strategy: name,
            state: member,
            why: text,
            expected: text,
            run: id,
          })),
          acknowledged: by,
          snoozed: { ...by, until: null },
        })
      }
}

function* worstRequests(
  text: string,
  { name, id, state }: { name: string; id: string; state: RequestState },
): Generator<AnyRequestView> {
  const needs = { ...undecided.needs, second: true, whom: people }
  const glass = { needs, brokeGlass: true, decision: text }
  yield worstRequest(text, name, id, state)
  yield { ...worstRequest(text, name, id, state), ...glass }
  yield worstPrune(text, name, id, state)
  yield { ...worstPrune(text, name, id, state), ...glass }
  const { plan: _plan, kind: _kind, ...same } = { ...worstPrune(text, name, id, state), ...glass }
  const pin = { by: { via: 'cli', id: text }, note: text, until: null, at: 0 } as const
  yield { ...same, kind: 'unpin', plan: { strategy: name, backup: id, createdAt: 0, pin, digest: 'd' } }
  const places = Array.from({ length: 60 }, () => ({ storage: text, was: text, is: text }))
  yield { ...same, kind: 'retention', plan: { strategy: name, places, digest: 'd' } }
}

function worstPrune(
  text: string,
  name: string,
  id: string,
  state: RequestState,
): ReturnType<typeof pruneRequest> {
  const { plan } = pruneRequest()
  return pruneRequest({
    id,
    state,
    run: id,
    fault: { code: 'storage-denied', text, hint: text },
    plan: {
      ...plan,
      strategy: name,
      series: text,
      storage: text,
      storedBytes: 9e15,
      deletions: Array.from({ length: 3_000 }, () => ({ id, createdAt: 0, reason: text })),
      summary: Array.from({ length: 9 }, () => text),
    },
  })
}

function worstRequest(
  text: string,
  name: string,
  id: string,
  state: RequestState,
): ReturnType<typeof request> {
  const many = Array.from({ length: 60 }, () => text)
  const { plan } = request()
  return request({
    id,
    state,
    reason: text,
    requester: { via: 'http', id: text },
    decidedBy: { via: 'slack', id: 'U0ALICE01' },
    decidedAt: at('11:00:00'),
    run: id,
    fault: { code: 'restore-failed', text, hint: text },
    plan: {
      ...plan,
      missingRoles: many,
      steps: many,
      warnings: many,
      blockers: state === 'failed' ? many : [],
      backup: { ...plan.backup, id, strategy: name, tables: null },
      target: {
        ...plan.target,
        name: text,
        endpoint: text,
        exists: true,
        sizeBytes: 1e15,
        sessions: 1e9,
        serverVersion: text,
      },
    },
  })
}

for (const [kind, text] of Object.entries(texts))
  test(`every message fits Slack and mentions nobody by accident, with ${kind} text`, () => {
    for (const [name, id] of ids)
      for (const body of bodies(text, name, id))
        for (const blocks of ['basic', 'rich'] as const)
          checkMessage(drawMessage(body, { mentions: people, approvals: 'C0BACKUPS', blocks }), body.type)
  })

const cells = (text: string): Cell[] => [
  { kind: 'text', text },
  { kind: 'code', text },
  { kind: 'bytes', bytes: 341e6 },
  { kind: 'bytes', bytes: null },
  { kind: 'count', count: null },
  { kind: 'count', count: 4_812_330 },
  { kind: 'duration', ms: 9000 },
  { kind: 'instant', at: at('05:00:00'), as: 'age' },
  { kind: 'instant', at: at('12:00:00'), as: 'in' },
  { kind: 'instant', at: at('12:00:00'), as: 'time', timezone: 'Europe/Paris' },
  { kind: 'instant', at: null, as: 'time' },
  { kind: 'level', level: 'V2' },
  { kind: 'level', level: null },
  { kind: 'state', state: 'overdue' },
  { kind: 'text', text: '' },
]

function* replies(text: string): Generator<Reply> {
  yield { type: 'text', text }
  yield { type: 'text', text: '' }
  const asked = worstPrune(text, longName, text, 'waiting')
  for (const requests of [[asked], [asked, asked, asked]])
    for (const notes of [[], Array.from({ length: 60 }, () => text)])
      yield { type: 'questions', requests, notes }
  const facts = Array.from({ length: 10 }, () => cells(text))
    .flat()
    .map((cell) => ({ label: text, cell }))
  const actions = Array.from({ length: 30 }, (_, index) => ({
    label: text,
    command: 'run',
    args: { what: index === 0 ? text : longName },
    style: 'primary' as const,
  }))
  yield { type: 'facts', title: text, facts, commands: [text, text, text], actions }
  yield { type: 'facts', title: text, facts: [] }
  for (const length of [0, 1, 10, 11, 500]) {
    const columns = cells(text).map((_, index) => ({
      key: `k${index}`,
      label: index === 0 ? text : `column ${index}`,
    }))
    const rows = Array.from({ length }, (_, id) => ({
      id: String(id),
      cells: Object.fromEntries(cells(text).map((cell, index) => [`k${index}`, cell])),
      data: null,
    }))
    yield { type: 'table', table: { title: text, summary: text, columns, rows, empty: text } }
  }
  yield {
    type: 'run',
    run: failedRun({ strategy: longName, id: text, fault: { code: 'dump-failed', text, hint: null } }),
    note: text,
  }
  yield {
    type: 'runs',
    runs: Array.from({ length: 500 }, () => run({ strategy: longName, id: text })),
    note: text,
  }
  yield { type: 'plan', request: worstRequest(text, longName, longestId, 'waiting'), dryRun: false }
  yield { type: 'plan', request: worstRequest(text, longName, longestId, 'waiting'), dryRun: true }
  yield { type: 'stream', name: text, open: async () => [] }
}

for (const [kind, text] of Object.entries(texts))
  test(`every answer fits Slack, with ${kind} text`, () => {
    for (const reply of replies(text))
      for (const style of ['basic', 'rich'] as const)
        for (const page of [-1, 0, 1, 49, 1000]) {
          const view = { now: at('10:00:00'), style, page, words: 'list all', channelOf: () => 'C0BACKUPS' }
          checkMessage(drawReply(reply, view), `${reply.type} ${style} ${page}`)
        }
    for (const code of Object.keys(faultTable) as FaultCode[]) {
      checkMessage(drawFault(new Fault(code, text, { hint: text })), code)
      checkMessage(drawFault(new Fault(code, text)), code)
    }
    checkMessage(drawFault(new Error(text)), 'internal')
  })

for (const [kind, text] of Object.entries(texts))
  test(`every dialog and the home tab fit Slack, with ${kind} text and 500 strategies`, () => {
    const strategies = Array.from(
      { length: 500 },
      (_, index) => `${String(index).padStart(3, '0')}${longName.slice(3)}`,
    )
    const backups = strategies.map((_, index) => {
      const id = `${longName}-20261120T${String(100000 + index)}Z-k3f9`
      return backup({ id, strategy: longName, series: text })
    })
    const own = { ownName: text, isProtected: true }
    const base = { strategies, backups, chosen: null, now: at('10:00:00'), channel: 'C0BACKUPS', ...own }
    const typed = {
      target: 'in-place' as const,
      database: longName,
      name: longName,
      reason: text.slice(0, 500),
    }
    checkView(restoreDialog({ ...base, strategy: null }), 'picker')
    checkView(restoreDialog({ ...base, strategies: strategies.slice(0, 3), strategy: null }), 'small picker')
    checkView(restoreDialog({ ...base, strategy: longName }), 'dialog')
    checkView(
      restoreDialog({
        ...base,
        strategy: longName,
        chosen: backups[400]!.id,
        typed,
        problem: new Fault('target-exists', text, { hint: text }),
      }),
      'again',
    )
    checkView(restoreDialog({ ...base, strategy: longName, backups: [] }), 'nothing to restore')
    checkView(restoreDialog({ ...base, strategy: null, strategies: [] }), 'no strategies')
    checkView(plannedView(worstRequest(text, longName, longestId, 'waiting'), 'C0BACKUPS'), 'planned')
    checkView(rejectDialog({ request: longestId, version: 1e15, channel: 'C0BACKUPS' }), 'reject')
    checkView(loadingView(text, 'Looking for backups …'), 'loading')
    checkView(faultView('Restore a backup', new Fault('denied', text, { hint: text })), 'fault')
    for (const log of [text, '', text.repeat(100)]) checkView(logView(longName, log), 'log')
    const lastRun = {
      id: 'k3f9',
      state: 'failed' as const,
      startedAt: null,
      endedAt: null,
      fault: { code: 'dump-failed' as const, text, hint: text },
    }
    const views = strategies.map((name, index) =>
      strategy({
        name,
        engine: text,
        schedule: text,
        ...(index % 2 ? { lastRun } : {}),
        ...(index % 3 ? {} : { lastRun: null, lastGood: null, nextAt: null }),
      }),
    )
    for (const style of ['basic', 'rich'] as const) checkView(home(views, style), 'home')
    checkView(home([], 'basic'), 'empty home')
    checkView(homeFault(new Fault('denied', text, { hint: text })), 'refused home')
  })

test('every choice of the restore dialog tells one backup from all others', () => {
  const backups = Array.from({ length: 300 }, (_, index) =>
    backup({ id: `production-db-20261120T${String(100000 + index)}Z-k3f9` }),
  )
  const view = restoreDialog({
    strategies: ['production-db'],
    strategy: 'production-db',
    backups,
    chosen: backups[299]!.id,
    now: at('10:00:00'),
    channel: null,
    ownName: null,
    isProtected: false,
  })
  const select = view.blocks.find(
    (block) => block.type === 'input' && block.block_id === 'backup',
  ) as unknown as {
    element: { options: { value: string }[]; initial_option: { value: string } }
  }
  const values = select.element.options.map(({ value }) => value)
  assert.equal(new Set(values).size, 100)
  assert.equal(select.element.initial_option.value, '20261120T100299Z-k3f9')
})
