import type { Actor } from '../core/model.ts'
import type { Read, Write } from './database.ts'
import { recall, remember } from './memory.ts'

/** A command beside a service asks it to load its configuration again, and waits for the answer here: both know this
 * state, whatever user, container or process they are in. */

const askPrefix = 'reload/ask/'
const answerKey = (id: string): string => `reload/answer/${id}`

export async function askReload(tx: Write, id: string, by: Actor): Promise<void> {
  await remember(tx, askPrefix + id, JSON.stringify(by))
}

/** Also when nobody answered: who asks has stopped waiting. */
export async function withdrawReload(tx: Write, id: string): Promise<void> {
  await tx
    .deleteFrom('meta')
    .where('key', 'in', [askPrefix + id, answerKey(id)])
    .execute()
}

export async function askedReloads(db: Read): Promise<{ id: string; by: Actor }[]> {
  const rows = await db
    .selectFrom('meta')
    .selectAll()
    .where('key', '>=', askPrefix)
    .where('key', '<', `${askPrefix}\u{10ffff}`)
    .execute()
  return rows.map(({ key, value }) => ({ id: key.slice(askPrefix.length), by: JSON.parse(value) as Actor }))
}

/** @param answer plain JSON */
export async function answerReload(tx: Write, id: string, answer: unknown): Promise<void> {
  await tx
    .deleteFrom('meta')
    .where('key', '=', askPrefix + id)
    .execute()
  await remember(tx, answerKey(id), JSON.stringify(answer))
}

export async function reloadAnswer(db: Read, id: string): Promise<unknown> {
  const answer = await recall(db, answerKey(id))
  return answer === null ? null : JSON.parse(answer)
}
