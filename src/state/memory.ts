import type { Identity } from '../sys/strays.ts'
import type { Read, Write } from './database.ts'

export async function recall(db: Read, key: string): Promise<string | null> {
  return (
    (await db.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst())?.value ?? null
  )
}

/** Everything whose key begins so. @param prefix  ends in `/` */
export async function recallAll(db: Read, prefix: string): Promise<{ key: string; value: string }[]> {
  const after = `${prefix.slice(0, -1)}0` // the letter behind `/`
  return db
    .selectFrom('meta')
    .select(['key', 'value'])
    .where('key', '>=', prefix)
    .where('key', '<', after)
    .execute()
}

export async function remember(tx: Write, key: string, value: string): Promise<void> {
  await tx
    .insertInto('meta')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}

export async function forget(tx: Write, key: string): Promise<void> {
  await tx.deleteFrom('meta').where('key', '=', key).execute()
}

const leaderKey = 'leader'

/** The process that schedules, recovers and delivers: a service, or for a while a command without one. */
export interface Leader extends Identity {
  role: 'serve' | 'command'
}

/** Says who leads; whoever holds the lock of the state folder (`Database.hold`) does. */
export async function noteLeader(tx: Write, self: Leader): Promise<void> {
  await remember(tx, leaderKey, JSON.stringify(self))
}

export async function leader(db: Read): Promise<Leader | null> {
  const value = await recall(db, leaderKey)
  return value ? (JSON.parse(value) as Leader) : null
}

export async function resignLeader(tx: Write, self: Leader): Promise<void> {
  await tx.deleteFrom('meta').where('key', '=', leaderKey).where('value', '=', JSON.stringify(self)).execute()
}

const seenForMs = 24 * 60 * 60 * 1000 // Slack repeats a delivery within minutes; a day is what slack.md asks for

/** True for the first to ask with this key; whoever repeats an envelope or a click gets false. */
export async function firstTime(tx: Write, key: string, now: number): Promise<boolean> {
  await tx
    .deleteFrom('seen')
    .where('at', '<', now - seenForMs)
    .execute()
  const result = await tx
    .insertInto('seen')
    .values({ key, at: now })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}
