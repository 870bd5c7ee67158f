import type { DrillResult } from '../../src/core/drill.ts'
import type { IncidentView } from '../../src/core/incidents.ts'
import {
  serviceActor,
  type StrategyView,
  type BackupView,
  type PruneRequestView,
  type RequestView,
  type RunView,
} from '../../src/core/model.ts'

/** View models as the engine makes them, for drawing. */

export const at = (time: string): number => Date.parse(`2026-11-20T${time}Z`)

export const longName = `x${'y'.repeat(61)}z`
/** What a hostile person or database may put into any text. */
export const bomb =
  '<!channel> <@U0ALICE01> @here *bold* `code` ```fence``` <https://evil.example|click> \u202Egnp \u0007 & 🙂🏳️‍🌈'

export function run(changes: Partial<RunView> = {}): RunView {
  return {
    id: 'run-k3f9',
    kind: 'backup',
    strategy: 'production-db',
    series: 'production-db',
    engine: 'PostgreSQL 16',
    state: 'running',
    stage: 'dump',
    trigger: 'schedule',
    actor: { via: 'service', id: 'easy-backup' },
    queuedAt: at('06:00:00'),
    startedAt: at('06:00:00'),
    endedAt: null,
    attempt: 1,
    maxAttempts: 1,
    schedule: 'every 6h',
    timezone: 'Europe/Paris',
    nextAt: at('12:00:00'),
    host: 'db-host',
    progress: null,
    backup: null,
    restore: null,
    verify: null,
    fault: null,
    lastGoodAt: at('00:00:09'),
    failuresInARow: 0,
    backupId: null,
    ...changes,
  }
}

export function succeeded(changes: Partial<RunView> = {}): RunView {
  return run({
    state: 'succeeded',
    stage: null,
    endedAt: at('06:00:09'),
    backup: {
      id: 'production-db-20261120T060000Z-k3f9',
      storedBytes: 341_000_000,
      rawBytes: 1_200_000_000,
      level: 'V2',
      tables: 8,
      rows: 4_812_330,
      storages: ['s3'],
      owed: [],
      dumpMs: 6200,
      uploadMs: 8700,
      keepsUntil: Date.parse('2026-12-20T06:00:00Z'),
      sizeChange: 0.02,
      warnings: [],
    },
    ...changes,
  })
}

export function failedRun(changes: Partial<RunView> = {}): RunView {
  return run({
    state: 'failed',
    stage: 'dump',
    endedAt: at('06:00:02'),
    lastGoodAt: at('06:00:02') - 11 * 3600_000,
    failuresInARow: 2,
    fault: {
      code: 'database-refused',
      text: 'password refused for user backup',
      hint: 'check DB_PASSWORD in the environment of the service',
    },
    ...changes,
  })
}

/** A drill that passed. */
export function drilled(result: Partial<DrillResult> = {}, changes: Partial<RunView> = {}): RunView {
  const backup = 'production-db-20261120T060000Z-k3f9'
  return run({
    kind: 'drill',
    state: 'succeeded',
    stage: null,
    schedule: 'Sundays at 03:00',
    backupId: backup,
    nextAt: at('06:00:00') + 7 * 86_400_000,
    endedAt: at('06:04:02'),
    drill: {
      backup,
      verdict: 'pass',
      why: null,
      server: 'a scratch PostgreSQL 16.4',
      tables: 8,
      rows: 4_812_330,
      objects: 5,
      checks: [
        { name: 'orders of today', ok: true, found: '412', expected: 'at least 1' },
        { name: 'no orphans', ok: true, found: '0', expected: '0' },
      ],
      restoreMs: 192_000,
      previousMs: 171_000,
      evidence: { storage: 's3', key: 'production-db/2026/11/k3f9/verdict-1.json' },
      ...result,
    },
    ...changes,
  })
}

/** Of a request that nobody decided yet. */
export const undecided = {
  needs: { role: 'restore', typed: false, reason: false, second: false, whom: null, self: false },
  decidedBy: null,
  decidedAt: null,
  decision: null,
  startBy: null,
  brokeGlass: false,
  reviewedBy: null,
  reviewedAt: null,
  run: null,
  fault: null,
} as const

export function request(changes: Partial<RequestView> = {}): RequestView {
  return {
    id: 'req-1',
    kind: 'restore',
    version: 1,
    state: 'planned',
    requester: { via: 'slack', id: 'U0ALICE01' },
    reason: 'bad migration at 10:40',
    createdAt: at('10:52:00'),
    expiresAt: at('11:22:00'),
    plan: {
      backup: {
        id: 'production-db-20261120T060000Z-k3f9',
        strategy: 'production-db',
        series: 'production-db',
        createdAt: at('06:00:00'),
        level: 'V2',
        storedBytes: 341_000_000,
        rawBytes: 1_200_000_000,
        tables: 8,
        rows: 4_812_330,
        sha256: ['a'.repeat(64)],
      },
      target: {
        mode: 'new-database',
        name: 'myapp_restore_20261120_1052',
        endpoint: 'prod-db:5432',
        fingerprint: 'f',
        exists: false,
        sizeBytes: null,
        sessions: null,
        serverVersion: '16.4',
      },
      noOwner: false,
      missingRoles: [],
      expectedMs: 192_000,
      freeBytes: 40_000_000_000,
      neededBytes: 1_541_000_000,
      steps: ['fetch and check', 'restore beside', 'compare 8 tables'],
      warnings: [],
      blockers: [],
      digest: 'd',
    },
    ...undecided,
    ...changes,
  }
}

export function pruneRequest(changes: Partial<PruneRequestView> = {}): PruneRequestView {
  return {
    id: 'req-2',
    kind: 'prune',
    version: 3,
    state: 'waiting',
    requester: serviceActor,
    reason: null,
    createdAt: at('10:52:00'),
    expiresAt: at('10:52:00') + 3 * 24 * 3600_000,
    plan: {
      strategy: 'production-db',
      series: 'production-db',
      storage: 'nas',
      total: 40,
      count: 12,
      storedBytes: 4_092_000_000,
      deletions: Array.from({ length: 12 }, (_, index) => ({
        id: `production-db-202610${String(index + 1).padStart(2, '0')}T060000Z-k3f9`,
        createdAt: at('10:52:00') - (50 - index) * 24 * 3600_000,
        reason: `older than 30d (${50 - index} d)`,
      })),
      summary: ['12 older than 30d'],
      digest: 'd',
    },
    ...undecided,
    ...changes,
  }
}

export function backup(changes: Partial<BackupView> = {}): BackupView {
  return {
    id: 'production-db-20261120T060000Z-k3f9',
    strategy: 'production-db',
    series: 'production-db',
    engine: 'postgres',
    createdAt: at('06:00:00'),
    storages: ['s3'],
    rawBytes: 1_200_000_000,
    storedBytes: 341_000_000,
    level: 'V2',
    tables: 8,
    rows: 4_812_330,
    tookMs: 9000,
    owed: [],
    pin: null,
    corrupt: null,
    keepsUntil: null,
    foreign: false,
    ...changes,
  }
}

export function strategy(changes: Partial<StrategyView> = {}): StrategyView {
  return {
    name: 'production-db',
    engine: 'PostgreSQL 16',
    endpoint: 'prod-db:5432',
    paused: null,
    schedule: 'every 6h',
    timezone: 'Europe/Paris',
    tags: ['prod'],
    storages: ['s3'],
    lastRun: {
      id: 'run-k3f9',
      state: 'succeeded',
      startedAt: at('06:00:00'),
      endedAt: at('06:00:09'),
      fault: null,
    },
    lastGood: backup(),
    nextAt: at('12:00:00'),
    runningId: null,
    overdueSince: null,
    failuresInARow: 0,
    backups: 120,
    storedBytes: 40_000_000_000,
    ...changes,
  }
}

export function incident(changes: Partial<IncidentView> = {}): IncidentView {
  return {
    id: 'i261120060003k3f9',
    kind: 'series',
    state: 'open',
    into: null,
    where: 'production-db',
    code: 'database-refused',
    why: 'password refused for user backup',
    hint: 'check DB_PASSWORD in the environment of the service',
    openedAt: at('06:00:03'),
    heldUntil: at('06:00:03'),
    closedAt: null,
    failures: 1,
    lastFailedAt: at('06:00:03'),
    members: [
      {
        strategy: 'production-db',
        state: 'failing',
        failures: 1,
        run: 'r261120060000k3f9',
        why: 'password refused for user backup',
        lastGoodAt: at('06:00:00') - 11 * 3_600_000,
        overdueSince: null,
        expected: 'every 6h',
        nextAt: at('12:00:00'),
      },
    ],
    troubled: 1,
    everTroubled: 1,
    acknowledged: null,
    snoozed: null,
    acts: 0,
    quiet: false,
    timezone: 'Europe/Paris',
    ...changes,
  }
}
