import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ClonePlan, CloneResult, Sanitized } from '../../core/clone.ts'
import { driftOf } from '../../core/drift.ts'
import { asFault, Fault } from '../../core/faults.ts'
import type { RestoreResult } from '../../core/model.ts'
import type { Cloning, Source, Swapping } from '../../sources/source.ts'
import { audit } from '../../state/audit.ts'
import { findClone, insertClone, moveClone } from '../../state/clones.ts'
import type { EngineContext } from '../context.ts'
import { driftFault } from '../requests/unchanged.ts'
import { carryOver, withChosen, type Confirmed } from '../restore/beside.ts'
import type { Chosen } from '../restore/choose.ts'
import { planRestore, targetRequest } from '../restore/plan.ts'
import type { Work, WorkResult } from '../work.ts'
import { ownerBlockers } from './owners.ts'
import { placeOf } from './place.ts'
import { settleClone } from './settle.ts'

/** How a place is worked in. */
export interface Tools {
  swap: Swapping
  clone: Cloning
}

interface Making extends Confirmed {
  chosen: Chosen
  source: Source
  tools: Tools
  plan: ClonePlan
  /** Copies of the files that were confirmed. */
  scripts: string[]
}

/** Copies a backup into another database: restored under a name of its own, compared, sanitized, and only then called as people know
 * it, so that nobody sees unsanitized data under that name. After a fault what was there is as it was, and nothing else is left.
 * @throws Fault stale · sanitize-failed · restore-failed · restore-incomplete · database-locked … */
export async function makeClone(
  context: EngineContext,
  work: Work,
  confirmed: Confirmed,
): Promise<WorkResult> {
  return withChosen(context, work, confirmed, async ({ chosen, source }) => {
    const { clone: plan, target } = confirmed.view.plan
    const { swap, clone } = source
    if (!plan || !swap || !clone) throw new Fault('target-invalid', 'this cannot be copied into a place')
    const scripts = await takeScripts(work, plan)
    const job = { ...confirmed, chosen, source, tools: { swap, clone }, plan, scripts }
    return swap.alone(target.name, work.signal, () => make(context, work, job))
  })
}

async function make(context: EngineContext, work: Work, job: Making): Promise<WorkResult> {
  const { tools, plan } = job
  await noteMaking(context, work, job)
  try {
    const restored = await restoreDraft(context, work, job)
    await noteDraft(context, work, job)
    work.pulse.stage('sanitize')
    const rows = job.scripts.length === 0 ? [] : await sanitize(job, work.signal)
    const sanitized = plan.sanitize.map(({ file }, at) => ({ file, rows: rows[at] ?? null }))
    work.pulse.stage('swap')
    await refuseChanged(context, work, job) // hours may have passed
    const ids = await noteNaming(context, work, { ...job, restored, sanitized })
    await giveName(work, job, ids)
    return await finish(context, work, tools)
  } catch (error) {
    // when the connection was lost right after it got its name, the server says so
    if ((await settleClone(context, work.run.id, tools)) !== 'open') throw error
    return finish(context, work, tools)
  }
}

/** The files as they were confirmed: what somebody writes into them meanwhile is not run. */
async function takeScripts({ strategy, folder }: Work, plan: ClonePlan): Promise<string[]> {
  const { sanitize } = placeOf(strategy, plan.place)
  return Promise.all(
    sanitize.map(async (path, at) => {
      const bytes = await readFile(path).catch(() => null)
      const { file, sha256 } = plan.sanitize[at]!
      if (bytes === null || createHash('sha256').update(bytes).digest('hex') !== sha256)
        throw new Fault('stale', `${file} is not what was confirmed`, { hint: 'ask for the copy again' })
      const own = join(folder, `${at + 1}-${file}`)
      await writeFile(own, bytes, { mode: 0o600 })
      return own
    }),
  )
}

/** Before anything is made, so that whatever dies, the next start knows what may lie there. */
async function noteMaking(
  context: EngineContext,
  { run, strategy, signal }: Work,
  { view, plan, chosen, tools }: Making,
): Promise<void> {
  const { target } = view.plan
  const server = await tools.clone.server(signal)
  const at = context.clock.now()
  await context.database.write(async (tx) => {
    await insertClone(tx, {
      run: run.id,
      strategy: run.strategy,
      place: plan.place,
      endpoint: target.endpoint,
      server,
      name: target.name,
      beside: plan.beside,
      kept: plan.kept,
      oldId: null,
      newId: null,
      state: 'making',
      backup: chosen.manifest.id,
      result: null,
      by: run.actor,
      at,
      dropAfterMs: placeOf(strategy, plan.place).dropAfterMs,
      until: null,
      retryAt: 0,
    })
    const detail = `${chosen.manifest.id} to ${plan.place}, ${target.name} on ${target.endpoint}, run ${run.id}`
    await audit(tx, { ...rowOf(run, view), act: 'clone.make', result: 'allowed', detail }, at)
  })
}

function rowOf(run: Work['run'], view: Confirmed['view']) {
  return {
    actor: run.actor,
    strategy: run.strategy,
    subject: view.id,
    planDigest: view.plan.digest,
    reason: view.reason,
    link: null,
  }
}

async function restoreDraft(context: EngineContext, work: Work, job: Making): Promise<RestoreResult> {
  const { ask, plan } = job
  const into = { ...targetRequest(ask), database: plan.beside, url: null, clean: false }
  const draft = { ...into, noOwner: true, draft: plan.sanitize.length > 0 }
  return { ...(await carryOver(context, work, { ...job, into: draft })), open: null }
}

/** From now on it is found by whatever name. */
async function noteDraft(
  context: EngineContext,
  { run, signal }: Work,
  { tools, plan }: Making,
): Promise<void> {
  const newId = await tools.clone.identify(plan.beside, signal)
  await context.database.write((tx) => moveClone(tx, run.id, 'making', { newId }))
}

async function sanitize(job: Making, signal: AbortSignal): Promise<(number | null)[]> {
  try {
    return await job.tools.clone.sanitize(job.plan.beside, job.scripts, signal)
  } catch (error) {
    const { code, message } = asFault(error)
    if (code !== 'sanitize-failed') throw error
    const { name, exists } = job.view.plan.target
    // files are called as people call them, not as their copies
    throw new Fault(code, message.replace(/^\d+-/, ''), {
      hint: `mend the file; the copy was removed${exists ? `, and ${name} is as it was` : ''}`,
      cause: error,
    })
  }
}

/** What would stand in its way is what was made here: only what was confirmed counts, and whose it is. */
async function refuseChanged(
  context: EngineContext,
  { run, folder, signal, strategy }: Work,
  { ask, view, source }: Making,
): Promise<void> {
  const { name } = view.plan.target
  const opening = { id: run.id, folder }
  const owners = await ownerBlockers(context, { kind: strategy.source.kind, name, source, opening }, signal)
  if (owners.length > 0) throw new Fault('target-invalid', owners.join('; '), { hint: 'nothing was changed' })
  const drift = driftOf(view.plan, await planRestore(context, ask, signal))
  if (drift.length > 0) throw driftFault(drift)
}

async function noteNaming(
  context: EngineContext,
  { run, signal }: Work,
  job: Making & { restored: RestoreResult; sanitized: Sanitized[] },
): Promise<Ids> {
  const { tools, plan, view, restored, sanitized } = job
  const { name, exists } = view.plan.target
  const newId = await tools.clone.identify(plan.beside, signal)
  const oldId = exists ? await tools.clone.identify(name, signal) : null
  if (newId === null || (exists && oldId === null))
    throw new Fault('stale', `${newId === null ? plan.beside : name} is gone`, {
      hint: 'nothing was changed',
    })
  const clone: CloneResult = { place: plan.place, sanitized, until: null, replaced: exists }
  const result = { ...restored, clone }
  await context.database.write((tx) =>
    moveClone(tx, run.id, 'making', { state: 'naming', newId, oldId, result }),
  )
  return { newId, oldId }
}

interface Ids {
  newId: string
  /** null: nothing had the name. */
  oldId: string | null
}

/** In one step, of the very two that were looked at; what had the name goes right after it. */
async function giveName(
  { signal }: Work,
  { tools, plan, view }: Making,
  { newId, oldId }: Ids,
): Promise<void> {
  const { name } = view.plan.target
  const { beside, kept } = plan
  if (oldId === null) await tools.clone.name({ name: beside, id: newId }, name, signal)
  else await tools.swap.exchange({ name, beside, kept, oldId, newId }, { force: true, carry: true }, signal)
}

/** It has its name: what is left to do is done by looking, as after a crash. @throws Fault stale when somebody renamed it */
async function finish(context: EngineContext, { run }: Work, tools: Tools): Promise<WorkResult> {
  const settled = await settleClone(context, run.id, tools)
  const clone = await findClone(context.database.read, run.id)
  if (settled !== 'open' || !clone?.result)
    throw new Fault('stale', 'the copy was renamed or dropped by somebody else right after it was made')
  return { result: { restore: clone.result }, commit: async () => undefined }
}
