import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { canonical } from '../../core/canonical.ts'
import { Fault } from '../../core/faults.ts'
import type { ClonePlan } from '../../core/clone.ts'
import { suffix } from '../../core/keys.ts'
import type { Manifest, RestorePlan } from '../../core/model.ts'
import type { RawInput, TargetPlan, TargetRequest } from '../../sources/source.ts'
import { listRuns } from '../../state/runs.ts'
import { freeBytes } from '../../sys/files.ts'
import { createFileSpool } from '../../sys/spool.ts'
import { placeOf, strategyAtTarget } from '../clone/place.ts'
import { cloneBlockers, cloneSteps, cloneWarnings, planClone } from '../clone/plan.ts'
import { driverOf, openSource, strategyOf, type EngineContext } from '../context.ts'
import { untestedBlocker } from '../decrypt-test.ts'
import type { RestoreAsk } from '../facade.ts'
import { makeRunFolder } from '../folders.ts'
import { leftOutBlockers, leftOutWarnings } from '../left-out.ts'
import { rawInput } from '../pipeline.ts'
import { checkTargetUrl, choose, frontOf, type Chosen, type FixedAsk } from './choose.ts'
import type { Front } from './front.ts'
import { swapBlockers, swapFacts, swapSteps, swapWarnings } from './in-place-plan.ts'
import { databaseOf } from '../series-scope.ts'
import { answered } from './in-time.ts'
import type { Owner } from './owners.ts'
import { ownerBlockers, ownerFacts, ownersOfTarget, ownerWarnings } from './target-owners.ts'

/** @throws Fault not-found · object-corrupt · target-invalid · usage */
export async function fixAsk(
  context: EngineContext,
  ask: RestoreAsk,
  signal: AbortSignal,
): Promise<FixedAsk> {
  if (ask.clone !== undefined) placeOf(strategyOf(context, ask.strategy ?? ''), ask.clone)
  const { manifest, strategy, standIn, copies, file, note } = await choose(context, ask, signal)
  const why = copies[0]?.corrupt
  if (!file && why && copies.every(({ corrupt }) => corrupt !== null))
    throw new Fault('object-corrupt', `backup ${manifest.id} failed a verification: ${why}`, {
      hint: await nextGood(context, manifest),
    })
  if (manifest.globals) throw notOfADatabase(manifest)
  const driver = driverOf(context, strategy.source.kind)
  checkTargetUrl(context, driver, ask.targetUrl)
  const at = new Date(context.clock.now()).toISOString()
  return {
    ...ask,
    backup: manifest.id,
    strategy: strategy.name,
    standIn,
    note,
    stamp: at.slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_'),
  }
}

/** Roles are of a server that lives: nothing of ours changes them (decisions/0017). */
export function notOfADatabase({ id }: Pick<Manifest, 'id'>): Fault {
  return new Fault('target-invalid', `${id} holds roles and the like of a server, and no database`, {
    hint: `\`get ${id} --decompress > globals.sql\` hands it out, \`show ${id}\` prints the command that applies it; nothing was changed`,
  })
}

/** A broken backup is not the end: what can be restored instead. */
export async function nextGood(context: EngineContext, broken: Manifest): Promise<string> {
  const row = await context.database.read
    .selectFrom('backups')
    .select('id')
    .where('strategy', '=', broken.strategy)
    .where('series', '=', broken.series)
    .where('corrupt', 'is', null)
    .where('created_at', '<', Date.parse(broken.startedAt))
    .orderBy('created_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? `the next older good one is ${row.id}` : 'there is no older good one'
}

/** @param freshnessSql  only of a plan in place */
export function targetRequest(ask: RestoreAsk, freshnessSql?: string | null): TargetRequest {
  return {
    database: ask.targetDb,
    url: ask.targetUrl,
    stamp: (ask as FixedAsk).stamp,
    noOwner: ask.noOwner,
    tables: ask.tables ?? [],
    clean: ask.clean ?? false,
    ...(freshnessSql === undefined ? {} : { inPlace: { freshnessSql } }),
    ...(ask.jobs === undefined ? {} : { jobs: ask.jobs }),
  }
}

/** The plan as facts. It reads the target and changes nothing; its digest changes with every fact that a confirmation is about. */
export async function planRestore(
  context: EngineContext,
  ask: RestoreAsk,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const chosen = await choose(context, ask, signal)
  const id = `plan-${suffix(() => context.clock.random())}-${Math.floor(context.clock.random() * 1e9).toString(36)}`
  const folder = await makeRunFolder(context, id)
  const at = strategyAtTarget(chosen.strategy, ask)
  const source = await openSource(context, at, {
    id,
    folder,
    restoring: true,
    ...databaseOf(at, chosen.manifest),
  })
  try {
    if (ask.clone !== undefined) {
      const asked = { ask: ask as FixedAsk, place: ask.clone, chosen, source, opening: { id, folder } }
      const planning = planClone(context, asked, signal)
      return await assemble(context, {
        ask,
        chosen,
        ...(await answered(`the server of ${ask.clone}`, signal, planning)),
      })
    }
    const front = await frontOf(context, chosen, signal)
    const planning = source.plan(
      chosen.manifest,
      targetRequest(ask, ask.inPlace ? chosen.strategy.restore.freshnessSql : undefined),
      signal,
      front && (await frontInput(context, { id, folder, front, signal })),
    )
    const target = await answered('the server to restore to', signal, planning)
    const meeting = { ask, chosen, target, source, opening: { id, folder } }
    const owners = await ownersOfTarget(context, meeting, signal)
    return await assemble(context, { ask, chosen, target, owners, canSwap: source.swap !== undefined })
  } finally {
    await source.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The first raw bytes as a file, so that a program can read them. */
async function frontInput(
  context: EngineContext,
  { id, folder, front, signal }: { id: string; folder: string; front: Front; signal: AbortSignal },
): Promise<RawInput> {
  const spool = await createFileSpool(join(folder, 'front'), context.clock)
  await spool.fill(Readable.from([front.raw]))
  await spool.finish()
  await spool.close()
  const said = (tool: string, line: string): void => context.logs.append(id, `${tool}: ${line}`)
  return rawInput(spool, [], { processes: context.processes, running: { signal, runId: id, said } })
}

interface PlanFacts {
  ask: RestoreAsk
  chosen: Chosen
  target: TargetPlan
  /** Of what is replaced. */
  owners?: readonly Owner[]
  canSwap?: boolean
  clone?: ClonePlan
}

async function assemble(
  context: EngineContext,
  { ask, chosen, target, clone, owners = [], canSwap = false }: PlanFacts,
): Promise<RestorePlan> {
  const { manifest, file } = chosen
  const neededBytes = manifest.storedBytes
  const free = await freeBytes(context.config.tempDir).catch(() => null)
  const short = free !== null && free < neededBytes
  const occupied = target.exists && !target.empty
  const untested = ask.inPlace && !chosen.standIn && (await untestedBlocker(context, chosen.strategy))
  const plan: Omit<RestorePlan, 'digest'> = {
    backup: {
      id: manifest.id,
      strategy: chosen.strategy.name,
      series: manifest.series,
      createdAt: Date.parse(manifest.startedAt),
      level: chosen.level,
      ...(manifest.provedAtDump && { provedAtDump: true }),
      storedBytes: manifest.storedBytes,
      rawBytes: manifest.rawBytes,
      tables: manifest.tables?.length ?? null,
      rows: manifest.tables?.reduce((sum, table) => sum + table.rows, 0) ?? null,
      sha256: manifest.artifacts.flatMap(({ sha256 }) => (sha256 === '' ? [] : [sha256])),
      ...(file ? { from: file.address } : {}),
    },
    target: {
      mode: target.mode,
      name: target.name,
      endpoint: target.endpoint,
      fingerprint: target.fingerprint,
      exists: target.exists,
      occupied,
      overwritten: ask.inPlace ? target.exists : occupied && (clone !== undefined || (ask.clean ?? false)),
      sizeBytes: target.sizeBytes,
      sessions: target.sessions,
      serverVersion: target.serverVersion,
    },
    ...swapFacts({ ask, chosen, target }),
    ...ownerFacts({ ask, chosen, target }, owners),
    ...(clone && { clone }),
    noOwner: ask.noOwner,
    ...(ask.tables?.length ? { tables: [...ask.tables] } : {}),
    missingRoles: target.missingRoles,
    expectedMs: await lastRestoreMs(context, manifest.strategy),
    freeBytes: free,
    neededBytes,
    steps: stepsOf({ ask, chosen, target, ...(clone && { clone }) }),
    warnings: [
      ...chosen.warnings,
      ...target.warnings,
      ...swapWarnings({ ask, chosen, target }),
      ...ownerWarnings({ ask, chosen, target }, owners),
      ...leftOutWarnings(context, { ask, chosen, overwritten: occupied }),
      ...(clone ? cloneWarnings(clone, target) : []),
    ].map(context.scrub),
    blockers: [
      ...target.blockers.map(context.scrub),
      ...sqlBlocker(ask, chosen),
      ...ownerBlockers({ ask, chosen, target }, owners, canSwap),
      ...swapBlockers({ ask, chosen, target }),
      ...leftOutBlockers(context, { ask, chosen, overwritten: occupied }).map(context.scrub),
      ...(clone ? cloneBlockers(clone) : []),
      ...(untested ? [context.scrub(untested)] : []),
      ...(short ? ['this host has too little free space in temp_dir for the backup'] : []),
    ],
  }
  return { ...plan, digest: digestOf(plan, { ask, chosen, target }) }
}

function sqlBlocker(ask: RestoreAsk, { manifest }: Chosen): string[] {
  if (manifest.format !== 'sql' || ask.allowSqlFallback) return []
  return ['this is plain SQL, which does what it says: add --allow-sql-fallback when you trust it']
}

/** Only what a confirmation is about: sessions, sizes and free space move by themselves. */
function digestOf(plan: Omit<RestorePlan, 'digest'>, { ask, chosen }: PlanFacts): string {
  const { backup, target, noOwner } = plan
  const bound = {
    backup: backup.id,
    sha256: backup.sha256,
    file: chosen.file?.identity ?? null,
    mode: target.mode,
    name: target.name,
    fingerprint: target.fingerprint,
    exists: target.exists,
    overwritten: target.overwritten,
    noOwner,
    tables: plan.tables ?? [],
    jobs: ask.jobs ?? 1,
    ...(plan.clone && { clone: plan.clone }),
  }
  return createHash('sha256').update(canonical(bound)).digest('hex')
}

function stepsOf({ ask, chosen, target, clone }: PlanFacts): string[] {
  const { manifest, file } = chosen
  const wanted = ask.tables?.length ? ask.tables.length : (manifest.tables?.length ?? null)
  const compare =
    manifest.tables === null && !file
      ? 'count the rows'
      : `compare ${wanted === null ? 'the rows' : `${wanted} ${wanted === 1 ? 'table' : 'tables'}`}`
  if (clone) return cloneSteps(clone, target, compare)
  if (ask.inPlace) return swapSteps({ ask, chosen, target }, compare)
  const isOverwritten = target.exists && !target.empty
  return [
    file && !file.manifest ? 'fetch the file and decode all of it' : 'fetch and verify the backup',
    ...(target.exists ? [] : [`create ${target.name}`]),
    isOverwritten
      ? `overwrite ${target.name}, all or nothing`
      : target.exists
        ? `restore into the empty ${target.name}`
        : 'restore',
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
