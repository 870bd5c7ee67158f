import type { Audience, Message, MessageBody } from '../core/messages.ts'
import type { Read, Write } from './database.ts'

export type Owed = Omit<Message, 'version'>

/** Says what people should see; in the same transaction as the state it tells (promise 3).
 * Saying the same again changes nothing, so a crash between two tellings posts nothing twice. */
export async function owe(tx: Write, owed: Owed, now: number): Promise<void> {
  const body = JSON.stringify(owed.body)
  const row = {
    key: owed.key,
    strategy: owed.strategy,
    audience: owed.audience,
    parent: owed.parent,
    priority: owed.priority,
    body,
    changed_at: now,
    seq: (await newestChange(tx)) + 1,
  }
  await tx
    .insertInto('messages')
    .values({ ...row, version: 1 })
    .onConflict((conflict) =>
      conflict
        .column('key')
        .doUpdateSet((e) => ({ ...row, version: e('messages.version', '+', 1) }))
        .where('messages.body', '!=', body),
    )
    .execute()
}

/** @returns 0 when there are no messages */
export async function newestChange(db: Read): Promise<number> {
  const row = await db
    .selectFrom('messages')
    .select((e) => e.fn.max('seq').as('seq'))
    .executeTakeFirst()
  return row?.seq ?? 0
}

/** Keys of what changed after this point. */
export async function changedAfter(db: Read, seq: number): Promise<string[]> {
  const rows = await db.selectFrom('messages').select('key').where('seq', '>', seq).execute()
  return rows.map(({ key }) => key)
}

/** Keys of all that one notifier does not show in its newest version: looks through every message that is kept. */
export async function unsettledKeys(db: Read, notifier: string): Promise<string[]> {
  const rows = await db
    .selectFrom('messages as m')
    .leftJoin('deliveries as d', (join) => join.onRef('d.key', '=', 'm.key').on('d.notifier', '=', notifier))
    .select('m.key')
    .where((e) => e.or([e('d.sent_version', 'is', null), e('d.sent_version', '<', e.ref('m.version'))]))
    .execute()
  return rows.map(({ key }) => key)
}

export async function findMessage(db: Read, key: string): Promise<Message | null> {
  const row = await db.selectFrom('messages').selectAll().where('key', '=', key).executeTakeFirst()
  return row
    ? { ...row, audience: row.audience as Audience, body: JSON.parse(row.body) as MessageBody }
    : null
}

/** Messages whose key starts so, e.g. all about overdue series. */
export async function messagesUnder(db: Read, prefix: string): Promise<Message[]> {
  const rows = await db
    .selectFrom('messages')
    .selectAll()
    .where('key', '>=', prefix)
    .where('key', '<', `${prefix}\u{10ffff}`)
    .execute()
  return rows.map((row) => ({
    ...row,
    audience: row.audience as Audience,
    body: JSON.parse(row.body) as MessageBody,
  }))
}

/** Has it been posted where people read and it is edited? Who tells things once has no post of it. */
export async function isPosted(db: Read, key: string): Promise<boolean> {
  const shown = db.selectFrom('deliveries').select('key').where('key', '=', key)
  const post = shown.where('receipt', 'is not', null).where('receipt', 'not like', `${toldOnce}%`)
  return (await post.limit(1).executeTakeFirst()) !== undefined
}

const toldOnce = '{"told":' // how the receipts of such a notifier begin

/** A message that one notifier has not shown in its newest version yet. */
export interface Due {
  message: Message
  delivery: DeliveryState
  /** Of the message whose thread this belongs in. */
  parent: { receipt: unknown; settled: boolean } | null
}

export interface DeliveryState {
  sentVersion: number
  receipt: unknown
  tries: number
  unknowns: number
}

const vainTries = 2 // of the message above: then what must be heard goes without it
const longestWaitMs = 2 * 60 * 60_000 // nobody waits as long: the clock was ahead when this was written

/** What this notifier has to show now, most urgent first.
 * @param among  only of these keys
 * @param limit  of posts, and of edits: many that wait to be posted keep no edit waiting */
export async function dueMessages(
  db: Read,
  notifier: string,
  { among, ...when }: { among: readonly string[]; now: number; limit: number },
): Promise<Due[]> {
  if (among.length === 0) return []
  const keys = among.length > mostNamed ? null : among
  const posts = await dueRows(db, notifier, { ...when, keys, isPosted: false })
  const edits = await dueRows(db, notifier, { ...when, keys, isPosted: true })
  return [...posts, ...edits]
    .toSorted((a, b) => a.priority - b.priority || a.changed_at - b.changed_at)
    .map(dueFrom)
}

const mostNamed = 5_000 // more are found sooner by looking through all

type DueRow = Awaited<ReturnType<typeof dueRows>>[number]

function dueRows(
  db: Read,
  notifier: string,
  given: { keys: readonly string[] | null; now: number; limit: number; isPosted: boolean },
) {
  const { keys, now, limit, isPosted } = given
  const all = dueQuery(db, notifier)
  return (keys === null ? all : all.where('m.key', 'in', keys))
    .where('d.receipt', isPosted ? 'is not' : 'is', null)
    .where((e) =>
      e.or([
        e('d.retry_at', 'is', null),
        e('d.retry_at', '<=', now),
        e('d.retry_at', '>', now + longestWaitMs),
      ]),
    )
    .orderBy('m.priority')
    .orderBy('m.changed_at')
    .limit(limit)
    .execute()
}

function dueQuery(db: Read, notifier: string) {
  return db
    .selectFrom('messages as m')
    .leftJoin('deliveries as d', (join) => join.onRef('d.key', '=', 'm.key').on('d.notifier', '=', notifier))
    .leftJoin('deliveries as p', (join) =>
      join.onRef('p.key', '=', 'm.parent').on('p.notifier', '=', notifier),
    )
    .select([
      'm.key',
      'm.strategy',
      'm.audience',
      'm.parent',
      'm.priority',
      'm.version',
      'm.body',
      'm.changed_at',
      'd.sent_version',
      'd.receipt',
      'd.tries',
      'd.unknowns',
      'd.retry_at',
    ])
    .select(['p.receipt as parent_receipt', 'p.refused as parent_refused'])
    .where((e) => e.or([e('d.sent_version', 'is', null), e('d.sent_version', '<', e.ref('m.version'))]))
    .where((e) =>
      e.or([
        e('m.parent', 'is', null),
        e('p.receipt', 'is not', null),
        e('p.refused', 'is not', null),
        // a channel for successes that takes nothing must not keep an alarm from another channel
        e.and([e('m.audience', '=', 'failure'), e('p.tries', '>=', vainTries)]),
      ]),
    )
}

function dueFrom(row: DueRow): Due {
  return {
    message: {
      key: row.key,
      strategy: row.strategy,
      audience: row.audience as Audience,
      parent: row.parent,
      priority: row.priority,
      version: row.version,
      body: JSON.parse(row.body) as MessageBody,
    },
    delivery: {
      sentVersion: row.sent_version ?? 0,
      receipt: parse(row.receipt),
      tries: row.tries ?? 0,
      unknowns: row.unknowns ?? 0,
    },
    parent:
      row.parent === null
        ? null
        : {
            receipt: parse(row.parent_receipt),
            settled: row.parent_receipt !== null || row.parent_refused !== null,
          },
  }
}

export interface Settlement {
  sentVersion: number
  receipt: unknown
  tries: number
  unknowns: number
  retryAt: number
  refused: string | null
}

export async function settle(tx: Write, key: string, notifier: string, to: Settlement): Promise<void> {
  const row = {
    sent_version: to.sentVersion,
    receipt: to.receipt === null ? null : JSON.stringify(to.receipt),
    tries: to.tries,
    unknowns: to.unknowns,
    retry_at: Math.ceil(to.retryAt), // a pace may name fractions, which the column refuses: then nothing would be told any more
    refused: to.refused,
  }
  await tx
    .insertInto('deliveries')
    .values({ key, notifier, ...row })
    .onConflict((conflict) => conflict.columns(['key', 'notifier']).doUpdateSet(row))
    .execute()
}

/** A notifier that is new here starts with today: what was said before counts as told.
 * @param before  what changed earlier is the past */
export async function countAsTold(tx: Write, notifier: string, before: number): Promise<void> {
  await tx
    .insertInto('deliveries')
    .columns(['key', 'notifier', 'sent_version', 'tries', 'unknowns', 'retry_at', 'refused'])
    .expression((e) =>
      e
        .selectFrom('messages')
        .where('changed_at', '<', before)
        .select((m) => [
          'key',
          m.val(notifier).as('notifier'),
          'version',
          m.val(0).as('tries'),
          m.val(0).as('unknowns'),
          m.val(0).as('retry_at'),
          m.val('it was said before').as('refused'),
        ]),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** How many messages are owed, also those that wait for a retry. */
export async function countOwed(db: Read, notifier: string): Promise<number> {
  const row = await db
    .selectFrom('messages as m')
    .leftJoin('deliveries as d', (join) => join.onRef('d.key', '=', 'm.key').on('d.notifier', '=', notifier))
    .select((e) => e.fn.countAll<number>().as('count'))
    .where((e) => e.or([e('d.sent_version', 'is', null), e('d.sent_version', '<', e.ref('m.version'))]))
    .executeTakeFirst()
  return row?.count ?? 0
}

const parse = (json: string | null): unknown => (json === null ? null : JSON.parse(json))
