import { sql } from 'kysely'
import type { MessageBody } from '../core/messages.ts'
import type { Read } from './database.ts'

/** What a message shows now, by where it stands in Slack or by the run whose card it is; null when it is none of ours, or
 * forgotten since. */
export async function messageShown(
  db: Read,
  which: { channel: string; ts: string } | { run: string },
): Promise<MessageBody | null> {
  const row = await ('run' in which ? cardOf(db, which.run) : standingAt(db, which)).executeTakeFirst()
  return row ? (JSON.parse(row.body) as MessageBody) : null
}

function cardOf(db: Read, run: string) {
  return db.selectFrom('messages').select('body').where('key', '=', `run/${run}/card`)
}

/** By the index on places of receipts. */
function standingAt(db: Read, { channel, ts }: { channel: string; ts: string }) {
  return db
    .selectFrom('deliveries')
    .innerJoin('messages', 'messages.key', 'deliveries.key')
    .select('messages.body')
    .where('deliveries.notifier', '=', sql.lit('slack')) // a literal, or the index is not used
    .where(sql<string>`json_extract(deliveries.receipt, '$.ts')`, '=', ts)
    .where(sql<string>`json_extract(deliveries.receipt, '$.channel')`, '=', channel)
}
