import { createHash } from 'node:crypto'
import { canonical } from '../../core/canonical.ts'
import type { Retention, Strategy } from '../../core/config.ts'
import type { Actor, RetentionPlan, RetentionRequestView } from '../../core/model.ts'
import { retentionIn } from '../../core/retention.ts'
import type { Read, Write } from '../../state/database.ts'
import { forget, recall, remember } from '../../state/memory.ts'
import { requestsOfKind } from '../../state/requests.ts'
import { isWeaker } from '../config-changes.ts'
import type { EngineContext } from '../context.ts'
import { fileIn, waitingFor } from './file.ts'
import { needsFor } from './needs.ts'

/** What retention of a protected strategy was agreed to, by place. A weaker one deletes nothing before a second person agrees:
 * that is computed from what was agreed and what holds now, so no restart and no missed answer can lose it. */
type Agreed = Record<string, Retention | null>

const agreedKey = (strategy: string): string => `retention/${strategy}`

/** Why this strategy's old backups have to stay; null = nothing holds them. */
export async function retentionHold(db: Read, strategy: Strategy): Promise<string | null> {
  return (await weakened(db, strategy)).length > 0
    ? 'frozen: its retention was weakened and waits for a second person'
    : null
}

/** After a start and a reload: notes what holds for protected strategies, and asks where it was weakened.
 * @returns what waits for an answer */
export async function askAboutRetention(
  context: EngineContext,
  actor: Actor,
): Promise<RetentionRequestView[]> {
  const waiting: RetentionRequestView[] = []
  for (const strategy of context.config.strategies) {
    const plan = await planOf(context.database.read, strategy)
    if (!plan) {
      await noteAgreed(context, strategy)
      continue
    }
    const asked = await context.database.write((tx) => ask(context, tx, { plan, actor }))
    if (asked) waiting.push(asked)
  }
  return waiting
}

/** What is not weaker needs nobody's word; of what is not protected nothing has to be known. */
async function noteAgreed({ database }: EngineContext, strategy: Strategy): Promise<void> {
  const key = agreedKey(strategy.name)
  const wanted = strategy.protected ? JSON.stringify(currentOf(strategy)) : null
  if ((await recall(database.read, key)) === wanted) return
  await database.write((tx) => (wanted === null ? forget(tx, key) : remember(tx, key, wanted)))
}

/** From now on this retention holds, in the transaction of the decision. */
export async function acceptRetention(context: EngineContext, tx: Write, name: string): Promise<void> {
  const strategy = context.config.strategies.find((one) => one.name === name)
  if (strategy) await remember(tx, agreedKey(name), JSON.stringify(currentOf(strategy)))
}

/** Of what the configuration says now. */
export function retentionDigest({ config }: EngineContext, name: string): string | null {
  const strategy = config.strategies.find((one) => one.name === name)
  return strategy ? digestOf(strategy) : null
}

async function ask(
  context: EngineContext,
  tx: Write,
  { plan, actor }: { plan: RetentionPlan; actor: Actor },
): Promise<RetentionRequestView | null> {
  const asked = (await requestsOfKind(tx, 'retention')).find((one) => one.plan.digest === plan.digest)
  if (asked?.kind === 'retention' && asked.state === 'waiting') return asked
  if (asked?.state === 'rejected') return null
  const needs = needsFor(context, plan.strategy, { kind: 'retention', overwrites: 'nothing', isMass: false })
  // protection that was taken away together with it protects until that is agreed to as well
  const second = { ...needs, second: true }
  const view = waitingFor(context, { kind: 'retention', plan, needs: second, actor, reason: null })
  return (await fileIn(context, tx, view)) as RetentionRequestView
}

async function planOf(db: Read, strategy: Strategy): Promise<RetentionPlan | null> {
  const places = await weakened(db, strategy)
  return places.length === 0 ? null : { strategy: strategy.name, places, digest: digestOf(strategy) }
}

async function weakened(db: Read, strategy: Strategy): Promise<RetentionPlan['places']> {
  const known = await recall(db, agreedKey(strategy.name))
  if (known === null) return []
  const spell = (retention: Retention | null): string => retention?.text ?? 'everything'
  return Object.entries(JSON.parse(known) as Agreed).flatMap(([storage, was]) => {
    const is = retentionIn(strategy, storage)
    const isUsed = strategy.storages.includes(storage)
    return isUsed && isWeaker(was, is) ? [{ storage, was: spell(was), is: spell(is) }] : []
  })
}

function currentOf(strategy: Strategy): Agreed {
  return Object.fromEntries(strategy.storages.map((storage) => [storage, retentionIn(strategy, storage)]))
}

function digestOf(strategy: Strategy): string {
  const bound = canonical([strategy.name, currentOf(strategy)])
  return createHash('sha256').update(bound).digest('hex')
}
