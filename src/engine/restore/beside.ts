import { unlink } from 'node:fs/promises'
import { Fault } from '../../core/faults.ts'
import type { Artifact, RestoreResult } from '../../core/model.ts'
import type { RawInput, Source } from '../../sources/source.ts'
import { findRequest } from '../../state/requests.ts'
import type { Copy } from '../../state/catalogue.ts'
import type { Running } from '../../sys/process.ts'
import { createFileSpool, type FileSpool } from '../../sys/spool.ts'
import { openSource, storageOf, type EngineContext } from '../context.ts'
import { findBackup } from '../catalogue.ts'
import type { RestoreAsk } from '../facade.ts'
import { fetchVerified } from '../objects.ts'
import { chainOf, rawInput, spoolPath } from '../pipeline.ts'
import { requireKnown } from '../marker.ts'
import { compareRows, condemned } from '../verify.ts'
import type { Work, WorkResult } from '../work.ts'
import { nextGood, planRestore, targetRequest } from './plan.ts'

/** Restores into a target beside the old data: fetch and verify everything first, then restore, then compare.
 * The whole object is verified before the first statement (promise 12); one error fails it (promise 13).
 * @throws Fault stale when the target is not what was confirmed · object-corrupt · restore-failed · restore-incomplete */
export async function restoreBeside(context: EngineContext, work: Work): Promise<WorkResult> {
  const request = await findRequest<RestoreAsk>(context.database.read, work.run.params.request ?? '')
  if (!request) throw new Fault('not-found', 'the request of this restore is gone')
  const { copies } = await findBackup(context, request.view.plan.backup.id, null)
  const copy = copies.find(
    (candidate) => candidate.corrupt === null && context.storages.has(candidate.storage),
  )
  if (!copy)
    throw new Fault('object-missing', `no good copy of ${request.view.plan.backup.id} is left`, {
      hint: 'choose another backup',
    })
  const source = openSource(context, work.strategy, { id: work.run.id, folder: work.folder })
  try {
    await requireKnown(storageOf(context, copy.storage), work.signal)
    await refuseDrift(context, request.view.plan.digest, request.ask, work)
    return await carryOver(context, work, {
      source,
      copy,
      ask: request.ask,
      target: request.view.plan.target.name,
      requestId: request.view.id,
    })
  } finally {
    await source.close()
  }
}

/** Any change of the target since the confirmation voids it (promise 11). */
async function refuseDrift(
  context: EngineContext,
  digest: string,
  ask: RestoreAsk,
  work: Work,
): Promise<void> {
  const fresh = await planRestore(context, ask, work.signal)
  if (fresh.blockers.length > 0) throw new Fault('target-invalid', fresh.blockers[0]!)
  if (fresh.digest !== digest)
    throw new Fault(
      'stale',
      'the backup or the target changed after the plan was confirmed; nothing was touched',
      { hint: 'ask for the restore again to see the new plan' },
    )
}

interface Carry {
  source: Source
  copy: Copy
  ask: RestoreAsk
  target: string
  requestId: string
}

async function carryOver(context: EngineContext, work: Work, carry: Carry): Promise<WorkResult> {
  const { manifest } = carry.copy
  const begun = context.clock.monotonic()
  const spools = new Map<string, FileSpool>()
  try {
    work.pulse.stage('fetch')
    for (const artifact of manifest.artifacts)
      spools.set(
        artifact.name,
        await fetched(context, work, { copy: carry.copy, artifact, folder: work.folder }),
      )
    const fetchMs = Math.round(context.clock.monotonic() - begun)
    const target = targetRequest(carry.ask)
    const plan = await carry.source.plan(manifest, target, work.signal)
    work.pulse.stage('restore')
    const artifactOf = async (artifact: Artifact): Promise<RawInput> =>
      raw(context, work, artifact, spools.get(artifact.name)!)
    const restored = await carry.source.restore(manifest, target, plan, artifactOf, work.signal)
    work.pulse.stage('check')
    compareRows(restored.tables, manifest.tables, 'restore-incomplete')
    const restoreMs = Math.round(context.clock.monotonic() - begun) - fetchMs
    const result: RestoreResult = {
      request: carry.requestId,
      backup: manifest.id,
      target: carry.target,
      endpoint: plan.endpoint,
      tables: restored.tables.length,
      rows: restored.tables.reduce((sum, table) => sum + table.rows, 0),
      fetchMs,
      restoreMs,
      warnings: restored.warnings.map(context.scrub),
      open: restored.open,
    }
    return { result: { restore: result }, commit: async () => undefined }
  } finally {
    for (const spool of spools.values())
      await spool
        .close()
        .then(() => unlink(spool.path))
        .catch(() => undefined)
  }
}

async function fetched(
  context: EngineContext,
  work: Work,
  at: { copy: Copy; artifact: Artifact; folder: string },
): Promise<FileSpool> {
  const spool = await createFileSpool(spoolPath(at.folder, at.artifact.name), context.clock)
  try {
    await fetchVerified(storageOf(context, at.copy.storage), at.artifact, {
      into: spool,
      onBytes: (bytes) => work.pulse.moved('fetch', bytes),
      signal: work.signal,
    })
    return spool
  } catch (error) {
    await spool.close()
    throw await withOlder(context, await condemned(context, { ...work, copy: at.copy, error }), at.copy)
  }
}

/** A broken backup is not the end: the next older good one is offered. */
async function withOlder(context: EngineContext, fault: Fault, copy: Copy): Promise<Fault> {
  if (fault.code !== 'object-corrupt' && fault.code !== 'object-missing') return fault
  const hint = `nothing was changed; ${await nextGood(context, copy.strategy, copy.createdAt)}`
  return new Fault(fault.code, fault.message, { hint, cause: fault })
}

function raw(context: EngineContext, work: Work, artifact: Artifact, spool: FileSpool): RawInput {
  const running: Running = {
    signal: work.signal,
    runId: work.run.id,
    said: (tool, line) => context.logs.append(work.run.id, `${tool}: ${line}`),
  }
  return rawInput(spool, chainOf(artifact.filters, context.filters), {
    processes: context.processes,
    running,
  })
}
