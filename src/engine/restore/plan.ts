import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { Fault } from '../../core/faults.ts'
import type { Manifest, RestorePlan } from '../../core/model.ts'
import type { TargetPlan, TargetRequest } from '../../sources/source.ts'
import { listRuns } from '../../state/runs.ts'
import { freeBytes } from '../../sys/files.ts'
import { findBackup } from '../catalogue.ts'
import { makeRunFolder } from '../folders.ts'
import { driverOf, openSource, strategyOf, type EngineContext } from '../context.ts'
import type { RestoreAsk } from '../facade.ts'
import { canonical } from '../manifest.ts'

/** An ask in which nothing is left to chance: `latest` and the target's time are fixed when it is filed. */
export interface FixedAsk extends RestoreAsk {
  /** `yyyymmdd_hhmmss` for the new database's name. */
  stamp: string
}

export async function fixAsk(context: EngineContext, ask: RestoreAsk): Promise<FixedAsk> {
  const { view } = await findBackup(context, ask.backup, ask.strategy)
  if (view.corrupt)
    throw new Fault('object-corrupt', `backup ${view.id} failed a verification: ${view.corrupt}`, {
      hint: await nextGood(context, view.strategy, view.createdAt),
    })
  const strategy = ask.strategy ?? view.strategy
  checkTargetUrl(context, strategy, ask.targetUrl)
  const at = new Date(context.clock.now()).toISOString()
  return {
    ...ask,
    backup: view.id,
    strategy,
    stamp: at.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_'),
  }
}

/** A URL that was typed is judged before it is kept; what is said of it never quotes it. */
function checkTargetUrl(context: EngineContext, strategy: string, url: string | null): void {
  if (url === null) return
  const { name, schemes, parseUrl } = driverOf(context, strategyOf(context, strategy).source.kind)
  const isKnown = schemes.some((scheme) => url.toLowerCase().startsWith(`${scheme}:`))
  const judged = isKnown
    ? parseUrl(url)
    : { mistake: `this is not a ${name} URL`, hint: `write one that begins with ${schemes[0]}:` }
  if ('mistake' in judged)
    throw new Fault('target-invalid', `--target-url: ${judged.mistake}`, { hint: judged.hint })
}

export async function nextGood(context: EngineContext, strategy: string, before: number): Promise<string> {
  const row = await context.database.read
    .selectFrom('backups')
    .select('id')
    .where('strategy', '=', strategy)
    .where('corrupt', 'is', null)
    .where('created_at', '<', before)
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? `the next older good one is ${row.id}` : 'there is no older good one'
}

export function targetRequest(ask: RestoreAsk): TargetRequest {
  return { database: ask.targetDb, url: ask.targetUrl, stamp: (ask as FixedAsk).stamp, noOwner: ask.noOwner }
}

/** The plan as facts. It reads the target and changes nothing; its digest changes with every fact that a confirmation is about. */
export async function planRestore(
  context: EngineContext,
  ask: RestoreAsk,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const strategy = strategyOf(context, ask.strategy ?? '')
  const { view, copies } = await findBackup(context, ask.backup, null)
  const { manifest } = copies[0]!
  const id = `plan-${view.id.slice(-4)}-${Math.floor(context.clock.random() * 1e9).toString(36)}`
  const folder = await makeRunFolder(context, id)
  const source = openSource(context, strategy, { id, folder })
  try {
    const target = await source.plan(manifest, targetRequest(ask), signal)
    return await assemble(context, { ask, manifest, target, view: { ...view } })
  } finally {
    await source.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function assemble(
  context: EngineContext,
  facts: {
    ask: RestoreAsk
    manifest: Manifest
    target: TargetPlan
    view: { level: RestorePlan['backup']['level']; tables: number | null; rows: number | null }
  },
): Promise<RestorePlan> {
  const { manifest, target } = facts
  const neededBytes = manifest.storedBytes
  const free = await freeBytes(context.config.tempDir).catch(() => null)
  const short = free !== null && free < neededBytes
  const plan: Omit<RestorePlan, 'digest'> = {
    backup: {
      id: manifest.id,
      strategy: manifest.strategy,
      series: manifest.series,
      createdAt: Date.parse(manifest.startedAt),
      level: facts.view.level,
      storedBytes: manifest.storedBytes,
      rawBytes: manifest.rawBytes,
      tables: facts.view.tables,
      rows: facts.view.rows,
      sha256: manifest.artifacts.map((artifact) => artifact.sha256),
    },
    target: {
      mode: target.mode,
      name: target.name,
      endpoint: target.endpoint,
      fingerprint: target.fingerprint,
      exists: target.exists,
      sizeBytes: target.sizeBytes,
      sessions: target.sessions,
      serverVersion: target.serverVersion,
    },
    noOwner: facts.ask.noOwner,
    missingRoles: target.missingRoles,
    expectedMs: await lastRestoreMs(context, manifest.strategy),
    freeBytes: free,
    neededBytes,
    steps: stepsOf(manifest, target),
    warnings: target.warnings.map(context.scrub),
    blockers: [
      ...target.blockers.map(context.scrub),
      ...(short ? ['this host has too little free space in temp_dir for the backup'] : []),
    ],
  }
  return { ...plan, digest: digestOf(plan) }
}

/** Only what a confirmation is about: sessions, sizes and free space move by themselves. */
function digestOf(plan: Omit<RestorePlan, 'digest'>): string {
  const { backup, target, noOwner } = plan
  const bound = {
    backup: backup.id,
    sha256: backup.sha256,
    mode: target.mode,
    name: target.name,
    fingerprint: target.fingerprint,
    exists: target.exists,
    noOwner,
  }
  return createHash('sha256').update(canonical(bound)).digest('hex')
}

function stepsOf(manifest: Manifest, target: TargetPlan): string[] {
  const count = manifest.tables?.length ?? null
  const compare = count === null ? 'count the rows' : `compare ${count} ${count === 1 ? 'table' : 'tables'}`
  return [
    'fetch and verify the backup',
    target.exists ? `restore into the empty ${target.name}` : `create ${target.name}`,
    ...(target.exists ? [] : ['restore']),
    compare,
  ]
}

async function lastRestoreMs(context: EngineContext, strategy: string): Promise<number | null> {
  const [last] = await listRuns(context.database.read, {
    strategy,
    kind: 'restore',
    state: 'succeeded',
    limit: 1,
  })
  const result = last?.result?.restore
  return result ? result.fetchMs + result.restoreMs : null
}
