import assert from 'node:assert/strict'
import { undecided } from '../slack/samples.ts'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { exitOfRun } from '../../src/cli/exit-codes.ts'
import { progressLine } from '../../src/cli/progress.ts'
import { renderFault, renderReply } from '../../src/cli/render.ts'
import { text, type Table } from '../../src/commands/reply.ts'
import type { RequestView, RunView } from '../../src/core/model.ts'

const now = Date.parse('2026-11-20T11:00:00Z')
const plain = { width: null, colours: false, now }
const id = 'production-db-20261120T060000Z-k3f9'

const table: Table = {
  title: 'Backups',
  summary: '1 backup · 341 MB',
  columns: [
    { key: 'id', label: 'Backup' },
    { key: 'age', label: 'Age' },
    { key: 'size', label: 'Size' },
    { key: 'place', label: 'Place' },
  ],
  rows: [
    {
      id,
      cells: {
        id: { kind: 'code', text: id },
        age: { kind: 'instant', at: now - 5 * 3_600_000, as: 'age' },
        size: { kind: 'bytes', bytes: 341_000_000 },
        place: text('a place with quite a long name, and another one'),
      },
      data: {},
    },
  ],
  empty: 'no backups yet',
}

const run: RunView = {
  id: 'r1',
  kind: 'backup',
  strategy: 'production-db',
  series: 'myapp',
  engine: 'PostgreSQL 16',
  state: 'running',
  stage: 'dump',
  trigger: 'person',
  actor: { via: 'cli', id: 'root' },
  queuedAt: now,
  startedAt: now,
  endedAt: null,
  attempt: 1,
  maxAttempts: 3,
  schedule: 'every 6h',
  timezone: 'Europe/Paris',
  nextAt: null,
  host: 'h',
  progress: {
    stage: 'dump',
    bytes: 212_000_000,
    expectedBytes: 330_000_000,
    bytesPerSecond: 48_000_000,
    remainingMs: 3000,
  },
  backup: null,
  restore: null,
  verify: null,
  fault: null,
  lastGoodAt: null,
  failuresInARow: 0,
  backupId: null,
}

test('a table is aligned, sizes to the right, with its totals below', () => {
  assert.equal(
    renderReply(
      {
        type: 'table',
        table: {
          ...table,
          rows: [{ ...table.rows[0]!, cells: { ...table.rows[0]!.cells, place: text('s3') } }],
        },
      },
      plain,
    ),
    [
      'Backup                               Age        Size    Place',
      `${id}  5 h ago  341 MB  s3`,
      '',
      '1 backup · 341 MB',
    ]
      .join('\n')
      .replace('Age        Size    Place', 'Age        Size  Place'),
  )
})

test('on a narrow screen words are cut and ids stay whole', () => {
  const lines = renderReply({ type: 'table', table }, { ...plain, width: 70 }).split('\n')
  assert.ok(lines[1]!.length <= 70)
  assert.match(lines[1]!, new RegExp(`^${id} `))
  assert.match(lines[1]!, /…$/)
  const tiny = renderReply({ type: 'table', table }, { ...plain, width: 10 })
  assert.match(tiny, new RegExp(id))
})

test('an empty table says what to do', () => {
  assert.equal(renderReply({ type: 'table', table: { ...table, rows: [] } }, plain), 'no backups yet')
})

test('colours come only when wanted', () => {
  const reply = { type: 'run', run: { ...run, state: 'failed' }, note: null } as const
  const painted = renderReply(reply, { ...plain, colours: true })
  assert.notEqual(painted, stripVTControlCharacters(painted))
  assert.equal(stripVTControlCharacters(painted), renderReply(reply, plain))
})

test('text from databases cannot steer the screen', () => {
  const evil = 'relation "\u001B[2J\u001B]0;owned\u0007x" \u009B31m\r\u0008gone'
  const said = [
    renderFault({ code: 'dump-failed', text: evil, hint: evil }, false),
    renderReply({ type: 'text', text: evil }, plain),
    renderReply(
      { type: 'facts', title: evil, facts: [{ label: evil, cell: text(evil) }], commands: [evil] },
      plain,
    ),
    renderReply(
      {
        type: 'run',
        run: { ...run, state: 'failed', fault: { code: 'dump-failed', text: evil, hint: null } },
        note: evil,
      },
      plain,
    ),
    renderReply(
      { type: 'table', table: { ...table, rows: [{ ...table.rows[0]!, cells: { id: text(evil) } }] } },
      plain,
    ),
    renderReply({ type: 'plan', request: request({ warnings: [evil] }), dryRun: true }, plain),
  ]
  for (const text of said) assert.doesNotMatch(text, /[^\P{C}\n]/u)
})

test('a fault is one block: what is wrong, then what to do', () => {
  const fault = {
    code: 'config-invalid',
    text: 'a.yml:3:1  x  wrong  right\na.yml:9:1  y  wrong  right',
    hint: 'see docs',
  } as const
  assert.equal(
    renderFault(fault, false),
    'a.yml:3:1  x  wrong  right\na.yml:9:1  y  wrong  right\n  see docs',
  )
})

test('progress is one line: bar, step, bytes, rate, time left', () => {
  assert.equal(
    progressLine([run], run),
    '▓▓▓▓▓▓▓░░░░░ 64 %  dump and upload · 212 MB of about 330 MB · 48 MB/s · about 3 s left',
  )
  const first = { ...run, progress: { ...run.progress!, expectedBytes: null, remainingMs: null } }
  assert.equal(progressLine([first], first), 'dump and upload · 212 MB · 48 MB/s')
  const full = { ...run, progress: { ...run.progress!, bytes: 400_000_000 } }
  assert.match(progressLine([full], full), /^▓{11}░ 99 %/)
  assert.match(
    progressLine([{ ...run, state: 'succeeded', endedAt: now }, first], first),
    /^1 of 2 done · production-db · dump/,
  )
})

test('the end of a backup reads as in its thread', () => {
  const ended: RunView = {
    ...run,
    state: 'succeeded',
    endedAt: now + 9000,
    backup: {
      id,
      storedBytes: 341_000_000,
      rawBytes: 1_200_000_000,
      level: 'V2',
      tables: 8,
      rows: 4_812_330,
      storages: ['s3'],
      owed: [],
      dumpMs: 6200,
      uploadMs: 8700,
      keepsUntil: null,
      sizeChange: 0.02,
      warnings: ['client is newer than the server'],
    },
  }
  assert.equal(
    renderReply({ type: 'run', run: ended, note: null }, plain),
    `production-db: backed up in 9 s · 341 MB
  341 MB stored (1.2 GB raw) in s3 · dump 6.2 s, upload 8.7 s · +2 % on the last
  decoded whole, 8 tables, 4,812,330 rows
  ${id}
  client is newer than the server`,
  )
})

test('a plan shows every fact, "unknown" where nothing is known, and what blocks it', () => {
  const said = renderReply(
    { type: 'plan', request: request({ missingRoles: ['app'], blockers: ['no room'] }), dryRun: false },
    plain,
  )
  assert.match(said, /^Restore production-db into myapp_restore\n/)
  assert.match(
    said,
    /Backup {3}production-db-20261120T060000Z-k3f9 · 5 h ago · 341 MB · decoded whole · 8 tables, 10 rows/,
  )
  assert.match(said, /Target {3}new database myapp_restore on db:5432 · server 16\.4 · does not exist yet/)
  assert.match(said, /Space {4}needs 1\.2 GB here, unknown free/)
  assert.match(said, /Takes {4}unknown/)
  assert.match(said, /Will do {2}1\. fetch\n {11}2\. restore/)
  assert.match(said, /Roles {4}missing on the target: app/)
  assert.match(said, /Blocked {2}no room/)
  assert.match(said, /Request {2}q1 · waits for you · expires in 30 min/)
})

test('the exit code of a run is that of its fault, 0 when all is well', () => {
  assert.equal(exitOfRun({ ...run, state: 'succeeded' }), 0)
  assert.equal(exitOfRun({ ...run, state: 'cancelled' }), 10)
  assert.equal(
    exitOfRun({ ...run, state: 'failed', fault: { code: 'database-refused', text: '', hint: null } }),
    27,
  )
  assert.equal(
    exitOfRun({ ...run, state: 'degraded', fault: { code: 'storage-denied', text: '', hint: null } }),
    31,
  )
  assert.equal(exitOfRun({ ...run, state: 'failed' }), 1)
})

function request(plan: Partial<RequestView['plan']>): RequestView {
  return {
    id: 'q1',
    kind: 'restore',
    version: 1,
    state: 'planned',
    requester: { via: 'cli', id: 'root' },
    reason: null,
    createdAt: now,
    expiresAt: now + 30 * 60_000,
    ...undecided,
    plan: {
      backup: {
        id,
        strategy: 'production-db',
        series: 'myapp',
        createdAt: now - 5 * 3_600_000,
        level: 'V2',
        storedBytes: 341_000_000,
        rawBytes: null,
        tables: 8,
        rows: 10,
        sha256: [],
      },
      target: {
        mode: 'new-database',
        name: 'myapp_restore',
        endpoint: 'db:5432',
        fingerprint: 'f',
        exists: false,
        sizeBytes: null,
        sessions: null,
        serverVersion: '16.4',
      },
      noOwner: false,
      missingRoles: [],
      expectedMs: null,
      freeBytes: null,
      neededBytes: 1_200_000_000,
      steps: ['fetch', 'restore'],
      warnings: [],
      blockers: [],
      digest: 'd',
      ...plan,
    },
  }
}
