import { createHash } from 'node:crypto'
import {
  serviceActor,
  type Actor,
  type AnyRequestView,
  type PrunePlan,
  type PruneRequestView,
} from '../core/model.ts'
import type { Ground } from '../core/retention.ts'
import type { Write } from '../state/database.ts'
import { findAnyRequest, pruneQuestions, replan, requestsIn } from '../state/requests.ts'
import type { EngineContext } from './context.ts'
import { fileIn, freshRequest, openForMs } from './requests/file.ts'
import { needsFor } from './requests/needs.ts'
import { stepIn } from './requests/step.ts'
import { tellRequest } from './requests/tell.ts'
import type { Corner, Survey, Surveyed } from './survey.ts'

const dayMs = 24 * 60 * 60_000
const fewest = 3
const share = 0.25 // product §3: more than 25 % and more than 3 in one pass asks first

/** More than people expect of one pass: a mistake in the configuration must not cost the history. */
export function isMassDelete({ candidates }: Survey, due: readonly Surveyed[]): boolean {
  const total = candidates.filter(({ foreign }) => !foreign).length
  return due.length > fewest && due.length > share * total
}

/** The service asks, once: the same list is not asked about again, and a list that changed takes the place of the one that waits.
 * Who said no is not asked again for a day.
 * @returns the question that waits; null when an answer is known */
export async function askFirst(
  context: EngineContext,
  corner: Corner,
  listed: { found: Survey; due: readonly Surveyed[] },
): Promise<PruneRequestView | null> {
  const plan = planOf(corner, listed)
  const asked = await context.database.write(async (tx) => {
    const last = await lastQuestion(tx, corner)
    if (last && isAnswered(last, plan, context.clock.now())) return null
    const asks = await file(context, tx, { plan, last, actor: serviceActor })
    return { asks, isNew: asks.id !== last?.id || asks.version !== last.version }
  })
  if (asked?.isNew)
    context.log.warn('old backups wait for an answer before they are deleted', {
      strategy: plan.strategy,
      storage: plan.storage,
      count: plan.count,
      of: plan.total,
      request: asked.asks.id,
      hint: `\`prune ${plan.strategy}\` shows and decides it`,
    })
  return asked?.asks ?? null
}

/** A person asks to delete what retention lets go; the question that waits for the same corner becomes theirs to answer. */
export async function askByPerson(
  context: EngineContext,
  corner: Corner,
  { actor, ...listed }: { found: Survey; due: readonly Surveyed[]; actor: Actor },
): Promise<PruneRequestView> {
  const plan = planOf(corner, listed)
  return context.database.write(async (tx) =>
    file(context, tx, { plan, last: await lastQuestion(tx, corner), actor }),
  )
}

/** Nothing is left of what was asked: the card says so. What a person asked for stays theirs. */
export async function closeQuestion(context: EngineContext, corner: Corner): Promise<void> {
  const open = (await requestsIn(context.database.read, 'waiting')).map(({ view }) => view)
  const asked = open.find((view) => isAbout(view, corner) && view.requester.via === 'service')
  if (!asked) return
  const step = { to: 'cancelled', by: serviceActor, act: 'cancel', result: 'done' } as const
  await context.database.write((tx) => stepIn(context, tx, asked, step))
}

/** Was this list, or any within a day, decided; or is it being carried out? One that nobody answered in time is asked again. */
function isAnswered(last: PruneRequestView, plan: PrunePlan, now: number): boolean {
  if (last.state === 'approved' || last.state === 'executing') return true
  const isNo = last.state === 'rejected' || (last.state === 'cancelled' && last.decidedBy?.via !== 'service')
  if (!isNo && last.state !== 'failed') return false
  const isRecent = now - (last.decidedAt ?? last.createdAt) < dayMs
  return isRecent || (isNo && last.plan.digest === plan.digest)
}

interface Filing {
  plan: PrunePlan
  last: PruneRequestView | null
  actor: Actor
}

async function file(
  context: EngineContext,
  tx: Write,
  { plan, last, actor }: Filing,
): Promise<PruneRequestView> {
  const now = context.clock.now()
  const weight = { kind: 'prune', overwrites: 'nothing', isMass: plan.isMass ?? false } as const
  const needs = needsFor(context, plan.strategy, weight)
  if (last?.state === 'waiting' && last.expiresAt > now) {
    if (last.plan.digest === plan.digest) return last
    if (await replan(tx, last, { plan, needs, expiresAt: now + openForMs })) return told(context, tx, last.id)
  }
  const fresh = freshRequest(context, actor)
  const view = { ...fresh, kind: 'prune', state: 'waiting', reason: null, plan, needs } as const
  return (await fileIn(context, tx, view)) as PruneRequestView
}

async function told(context: EngineContext, tx: Write, id: string): Promise<PruneRequestView> {
  const { view } = (await findAnyRequest(tx, id))!
  await tellRequest(context, tx, view)
  return view as PruneRequestView
}

async function lastQuestion(
  db: Parameters<typeof pruneQuestions>[0],
  corner: Corner,
): Promise<PruneRequestView | null> {
  const questions = await pruneQuestions(db, corner.strategy.name)
  return questions.find((view) => isAbout(view, corner)) ?? null
}

function isAbout(view: AnyRequestView, { strategy, series, storage }: Corner): view is PruneRequestView {
  if (view.kind !== 'prune') return false
  const { plan } = view
  return plan.strategy === strategy.name && plan.series === series && plan.storage === storage.name
}

function planOf(
  { strategy, series, storage }: Corner,
  { found, due }: { found: Survey; due: readonly Surveyed[] },
): PrunePlan {
  const deletions = due.map(({ copy, judgement }) => ({
    id: copy.id,
    createdAt: copy.createdAt,
    reason: judgement.reason,
  }))
  const bound = JSON.stringify([strategy.name, series, storage.name, deletions.map(({ id }) => id)])
  return {
    strategy: strategy.name,
    series,
    storage: storage.name,
    total: found.candidates.filter(({ foreign }) => !foreign).length,
    count: deletions.length,
    storedBytes: due.reduce((sum, { copy }) => sum + copy.manifest.storedBytes, 0),
    deletions,
    summary: summaryOf(due),
    isMass: isMassDelete(found, due),
    digest: createHash('sha256').update(bound).digest('hex'),
  }
}

/** "12 older than 30d", "3 not one of 7 daily": one line for each kind of reason, the most frequent first. */
function summaryOf(due: readonly Surveyed[]): string[] {
  const kinds = Map.groupBy(due, ({ judgement }) => judgement.ground)
  return [...kinds]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([ground, of]) => `${of.length} ${inGeneral(ground, of[0]!.judgement.reason)}`)
}

/** Without what is true of the one backup only. */
function inGeneral(ground: Ground, reason: string): string {
  const words = reason.replace(/^not good, so it does not count; /, '')
  return ground === 'old' ? words.replace(/ \([^)]*\)$/, '') : words
}
