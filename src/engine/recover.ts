import type { Strategy } from '../core/config.ts'
import { asFault, Fault, faultFacts } from '../core/faults.ts'
import { findRequest } from '../state/requests.ts'
import { endRun, findRun, openRuns, type Run } from '../state/runs.ts'
import { endStrays, isAlive } from '../sys/strays.ts'
import { sweepDrill } from './drill/after-crash.ts'
import { sweepLeft } from './drill/leftovers.ts'
import { openSource, runFolder, type EngineContext } from './context.ts'
import type { RestoreAsk } from './facade.ts'
import { removeStrayFolders } from './folders.ts'
import { tidyKept } from './kept.ts'
import { endOfSwap } from './restore/after-crash.ts'
import { strategyOfRun } from './restore/choose.ts'
import { settleRequest } from './requests/runs.ts'
import { resumableRuns, resume } from './resume.ts'
import { tellRun } from './tell.ts'
import { tidyPlace } from './tidy.ts'
import { endUploads } from './uploads.ts'
import { runView } from './views.ts'

/** After a crash: every run of a dead process gets its one end, and nothing of it is left behind (promises 3 and 7); a backup whose
 * dump is whole goes on instead. Children and server sessions first, then files, uploads and objects, then the lease.
 * @returns the runs that were ended */
export async function recover(context: EngineContext): Promise<string[]> {
  const dead = await deadRuns(context)
  if (dead.length > 0) await endStrays(new Set(dead.map((run) => run.id)), context.clock)
  const resumable = await resumableRuns(context, dead)
  const lost = dead.filter((run) => !resumable.includes(run))
  const ids = new Set(lost.map((run) => run.id))
  for (const run of lost) if (run.kind === 'drill') await sweepDrill(context, run)
  await sweepLeft(context)
  await removeStrayFolders(context, ids)
  await tidyKept(context)
  await Promise.all(dead.map((run) => endSessions(context, run)))
  await endUploads(context)
  for (const run of lost) await recoverRun(context, run)
  for (const storage of context.storages.values()) await tidyPlace(context, storage)
  // last: who takes them puts objects that tidying would call unfinished
  for (const run of resumable) await resume(context, run)
  return [...ids]
}

/** The same while others work: a command that was killed must not block its strategy until the next start. Nor may the folder of one
 * that is no run (`get --decrypt`, a plan, a typed passphrase) keep plaintext or keys until then (promise 14).
 * @returns the runs that were ended */
export async function reap(context: EngineContext): Promise<string[]> {
  if ((await deadRuns(context)).length > 0) return recover(context)
  await sweepFolders(context)
  return []
}

/** What killed commands left that were no run. A run that just died is ended first, by whoever leads. */
export async function sweepFolders(context: EngineContext): Promise<void> {
  const open = await openRuns(context.database.read)
  await removeStrayFolders(context, new Set(), new Set(open.map(({ id }) => id)))
}

async function deadRuns(context: EngineContext): Promise<Run[]> {
  const open = await openRuns(context.database.read)
  return open.filter((run) => run.state === 'running' && !(run.holder && isAlive(run.holder)))
}

async function recoverRun(context: EngineContext, run: Run): Promise<void> {
  const swapped = run.kind === 'restore' ? await endOfSwap(context, run) : null
  const fault = new Fault('interrupted', `the service stopped while this ${run.kind} ran`, {
    hint: swapped?.hint ?? (await whatIsLeft(context, run)),
  })
  const outcome = swapped?.result ? 'succeeded' : 'interrupted'
  await context.database.write(async (tx) => {
    if (
      !(await endRun(tx, run.id, {
        outcome,
        at: context.clock.now(),
        result: swapped?.result ?? null,
        fault: swapped?.result ? null : faultFacts(fault),
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
    outcome,
    code: swapped?.result ? null : 'interrupted',
    tookMs: 0,
  })
}

async function whatIsLeft(context: EngineContext, run: Run): Promise<string> {
  if (run.kind === 'copy') return 'the copy is made again by itself'
  if (run.kind === 'drill') return `what it restored was removed; ask again with \`drill ${run.strategy}\``
  if (run.kind === 'prune') return `some may be deleted; \`prune ${run.strategy}\` goes on with the rest`
  if (run.kind === 'backup')
    return `what was not complete was removed; run it again with \`run ${run.strategy}\``
  const request = run.params.request ? await findRequest(context.database.read, run.params.request) : null
  if (!request) return 'nothing was changed; ask for it again'
  const { name, endpoint } = request.view.plan.target
  return `nothing else was touched; ${name} on ${endpoint} may be there incomplete: drop it and ask for the restore again`
}

/** A killed client's session may go on in the server for a while and hold locks. */
async function endSessions(context: EngineContext, run: Run): Promise<void> {
  const found = await strategyOfRun(context, run).catch(() => null) // it is no longer configured
  if (!found) return
  const restoreUrl = (await otherPlace(context, run, found)) ?? found.source.restoreUrl
  const strategy = { ...found, source: { ...found.source, restoreUrl } }
  const opening = { id: run.id, folder: runFolder(context, run.id) }
  const restoring = run.kind === 'restore' && { restoring: true as const }
  const source = await openSource(context, strategy, { ...opening, ...restoring })
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

/** A restore may work on a server (`--target-url`) or in a folder (a path as `--target-db`) that the configuration does not name. */
async function otherPlace(
  context: EngineContext,
  { params }: Run,
  { source: { url }, clones: places }: Strategy,
): Promise<string | null> {
  if (!params.request) return null
  const request = await findRequest<Partial<RestoreAsk>>(context.database.read, params.request)
  const { targetUrl, targetDb, clone } = request?.ask ?? {}
  if (clone !== undefined) return places[clone]?.url ?? null
  const isPath = request?.view.plan.target.mode === 'file' && targetDb?.startsWith('/')
  return isPath ? `${url.slice(0, url.indexOf(':'))}://${targetDb}` : (targetUrl ?? null)
}
