import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { asFault, Fault, faultFacts } from '../core/faults.ts'
import { manifestName, parseBackupId } from '../core/keys.ts'
import { saveCopy } from '../state/catalogue.ts'
import { findRequest } from '../state/requests.ts'
import { endRun, findRun, openRuns, type Run } from '../state/runs.ts'
import type { Storage } from '../storages/storage.ts'
import { endStrays, isAlive } from '../sys/strays.ts'
import { copyOf } from './catalogue.ts'
import { openSource, runFolder, type EngineContext } from './context.ts'
import { readManifest } from './manifest.ts'
import { listAll, readSmall } from './objects.ts'
import { settleRequest } from './restore/requests.ts'
import { tellRun } from './tell.ts'
import { runView } from './views.ts'

/** After a crash: every run of a dead process gets its one end, and nothing of it is left behind (promises 3 and 7).
 * Children and server sessions first, then files and objects, then the lease.
 * @returns the runs that were ended */
export async function recover(context: EngineContext): Promise<string[]> {
  const dead = (await openRuns(context.database.read)).filter(
    (run) => run.state === 'running' && !isHeld(run),
  )
  const ids = new Set(dead.map((run) => run.id))
  if (ids.size > 0) await endStrays(ids, context.clock)
  for (const run of dead) await recoverRun(context, run)
  await removeStrayFolders(context)
  for (const storage of context.storages.values()) await tidy(context, storage)
  return [...ids]
}

function isHeld(run: Run): boolean {
  return run.holder !== null && isAlive(run.holder)
}

async function recoverRun(context: EngineContext, run: Run): Promise<void> {
  await endSessions(context, run)
  const fault = new Fault('interrupted', `the service stopped while this ${run.kind} ran`, {
    hint: await whatIsLeft(context, run),
  })
  await context.database.write(async (tx) => {
    if (
      !(await endRun(tx, run.id, {
        outcome: 'interrupted',
        at: context.clock.now(),
        result: null,
        fault: faultFacts(fault),
      }))
    )
      return
    const ended = (await findRun(tx, run.id))!
    await settleRequest(context, tx, ended)
    await tellRun(context, tx, await runView(context, ended, tx))
  })
  context.bus.emit({
    type: 'run.ended',
    run: run.id,
    kind: run.kind,
    strategy: run.strategy,
    outcome: 'interrupted',
    code: 'interrupted',
    tookMs: 0,
  })
}

async function whatIsLeft(context: EngineContext, run: Run): Promise<string> {
  if (run.kind === 'backup')
    return `what was not complete was removed; run it again with \`run ${run.strategy}\``
  const request = run.params.request ? await findRequest(context.database.read, run.params.request) : null
  if (!request) return 'nothing was changed; ask for it again'
  const { name, endpoint } = request.view.plan.target
  return `nothing else was touched; ${name} on ${endpoint} may be there incomplete: drop it and ask for the restore again`
}

/** A killed client's session may go on in the server for a while and hold locks. */
async function endSessions(context: EngineContext, run: Run): Promise<void> {
  const strategy = context.config.strategies.find((candidate) => candidate.name === run.strategy)
  if (!strategy) return
  const source = openSource(context, strategy, { id: run.id, folder: runFolder(context, run.id) })
  try {
    await source.terminate(run.id, AbortSignal.timeout(10_000))
  } catch (error) {
    context.log.warn('server sessions of an interrupted run could not be ended', {
      run: run.id,
      error: asFault(error).message,
    })
  } finally {
    await source.close()
  }
}

/** Private folders of runs that are not running any more: spools, credential files, scratch copies. */
async function removeStrayFolders(context: EngineContext): Promise<void> {
  const open = new Set((await openRuns(context.database.read)).map((run) => run.id))
  const folders = await readdir(context.config.tempDir).catch(() => [])
  for (const name of folders)
    if (/^(r\d{12}[a-z0-9]{4}|plan-[a-z0-9-]+)$/.test(name) && !open.has(name))
      await rm(join(context.config.tempDir, name), { recursive: true, force: true })
}

/** Unfinished uploads of dead runs, dumps without manifest, and manifests whose ledger entry was lost in the crash. */
async function tidy(context: EngineContext, storage: Storage): Promise<void> {
  const signal = AbortSignal.timeout(5 * 60_000)
  try {
    const othersWork = (await openRuns(context.database.read)).some(
      (run) => run.kind === 'backup' && run.state === 'running',
    )
    if (othersWork) return // another living process on this state is writing: its objects look unfinished
    await storage.sweep(context.clock.now(), signal)
    for (const strategy of context.config.strategies)
      await tidyStrategy(context, storage, strategy.name, signal)
  } catch (error) {
    context.log.warn('a storage could not be tidied at the start', {
      storage: storage.name,
      error: asFault(error).message,
    })
  }
}

async function tidyStrategy(
  context: EngineContext,
  storage: Storage,
  strategy: string,
  signal: AbortSignal,
): Promise<void> {
  const known = new Set(
    (
      await context.database.read
        .selectFrom('backups')
        .select('id')
        .where('storage', '=', storage.name)
        .where('strategy', '=', strategy)
        .execute()
    ).map((row) => row.id),
  )
  const byBackup = new Map<string, string[]>()
  for await (const { key } of listAll(storage, `${strategy}/`, signal)) {
    const id = key.split('/').at(-2)
    if (id && parseBackupId(id) && !known.has(id)) byBackup.set(id, [...(byBackup.get(id) ?? []), key])
  }
  for (const keys of byBackup.values()) await adoptOrRemove(context, storage, keys, signal)
}

/** A whole manifest is a commit: the backup counts although its run was cut off. Without one it never was a backup. */
async function adoptOrRemove(
  context: EngineContext,
  storage: Storage,
  keys: string[],
  signal: AbortSignal,
): Promise<void> {
  const manifestKey = keys.find((key) => key.endsWith(`/${manifestName}`))
  if (!manifestKey) return removeAll(storage, keys, signal)
  const manifest = readManifest(await readSmall(storage, manifestKey, signal), manifestKey)
  await context.database.write((tx) => saveCopy(tx, copyOf(context, storage, manifest)))
}

async function removeAll(storage: Storage, keys: string[], signal: AbortSignal): Promise<void> {
  for (const key of keys) await storage.remove(key, signal)
}
