import { openStates } from '../core/request-states.ts'
import type { Read, Write } from './database.ts'
import { newestChange } from './messages.ts'

const atOnce = 500 // rows of one transaction, so that the write lock is never held long

/** Messages about what has ended before this instant, told or not: nobody edits them any more, and a place that is told of
 * things for the first time must not be told of weeks. @returns how many */
export async function forgetMessages(tx: Write, before: number): Promise<number> {
  const rows = await tx
    .selectFrom('messages')
    .select('key')
    .where('changed_at', '<', before)
    .where('seq', '<', await newestChange(tx)) // its number must not be given again: it says up to where was looked
    .orderBy('changed_at')
    .limit(atOnce)
    .execute()
  const open = await openSubjects(tx)
  const keys = rows.map(({ key }) => key).filter((key) => !open.has(key.split('/')[1]!))
  await tx.deleteFrom('messages').where('key', 'in', keys).execute()
  await tx.deleteFrom('deliveries').where('key', 'in', keys).execute()
  return keys.length
}

/** Ids of the runs, requests and incidents whose messages may still change. */
async function openSubjects(db: Read): Promise<Set<string>> {
  const runs = await db.selectFrom('runs').select('id').where('state', 'in', ['queued', 'running']).execute()
  const requests = await db
    .selectFrom('requests')
    .select('id')
    .where('state', 'in', [...openStates])
    .execute()
  const incidents = await db.selectFrom('incidents').select('id').where('state', '=', 'open').execute()
  return new Set([...runs, ...requests, ...incidents].map(({ id }) => id))
}

/** Slots that were settled before this instant, but for each strategy's newest: it says from where slots count. */
export async function forgetSlots(tx: Write, before: number): Promise<void> {
  const newest = tx
    .selectFrom('slots')
    .select((e) => e.fn.max('slot_at').as('at'))
    .groupBy('strategy')
  await tx.deleteFrom('slots').where('slot_at', '<', before).where('slot_at', 'not in', newest).execute()
}

/** Runs and requests that ended before this instant, but for each strategy's newest of a kind and outcome: its last
 * restore proves its backups.
 * @returns the runs, whose logs may go too */
export async function forgetRuns(tx: Write, before: number): Promise<string[]> {
  const newest = tx
    .selectFrom('runs')
    .select((e) => e.fn.max('seq').as('seq'))
    .groupBy(['strategy', 'kind', 'state'])
  const rows = await tx
    .selectFrom('runs')
    .select('id')
    .where('ended_at', '<', before)
    .where('seq', 'not in', newest)
    .limit(atOnce)
    .execute()
  const ids = rows.map(({ id }) => id)
  await tx.deleteFrom('runs').where('id', 'in', ids).execute()
  await tx
    .deleteFrom('requests')
    .where('created_at', '<', before)
    .where('state', 'not in', [...openStates])
    .execute()
  return ids
}
