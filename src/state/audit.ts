import { createHash } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { AuditAsk, AuditEntry, AuditRow } from '../core/audit.ts'
import { canonical } from '../core/canonical.ts'
import type { Actor } from '../core/model.ts'
import type { Read, Write } from './database.ts'
import type { AuditTable } from './tables.ts'

export const beforeAll = '0'.repeat(64)

/** Writes the next row of the chain, in the transaction of what it is about; with the link to the message that shows it, when there is one. */
export async function audit(tx: Write, entry: AuditEntry, now: number): Promise<AuditRow> {
  const last = await auditHead(tx)
  const link = entry.link ?? (await linkTo(tx, entry.subject))
  const bare = { ...entry, link, seq: (last?.seq ?? 0) + 1, at: now, prev: last?.hash ?? beforeAll }
  const row: AuditRow = { ...bare, hash: hashOf(bare) }
  await tx.insertInto('audit').values(toTable(row)).execute()
  return row
}

/** Of the card of a request or run. */
async function linkTo(tx: Write, subject: string | null): Promise<string | null> {
  if (subject === null) return null
  const posts = await tx
    .selectFrom('deliveries')
    .select('receipt')
    .where('key', 'in', [`request/${subject}`, `run/${subject}/card`])
    .where('receipt', 'is not', null)
    .execute()
  const links = posts.map(({ receipt }) => (JSON.parse(receipt!) as { link?: unknown } | null)?.link)
  return links.find((link) => typeof link === 'string') ?? null
}

/** The newest row; null when nothing was ever written. */
export async function auditHead(db: Read): Promise<AuditRow | null> {
  const row = await db.selectFrom('audit').selectAll().orderBy('seq', 'desc').limit(1).executeTakeFirst()
  return row ? fromTable(row) : null
}

/** What the hash of a row has to be. */
export function hashOf({ hash: _hash, ...covered }: Omit<AuditRow, 'hash'> & { hash?: string }): string {
  return createHash('sha256').update(canonical(covered)).digest('hex')
}

function toTable({ planDigest, actor, ...row }: AuditRow): AuditTable {
  return { ...row, actor: JSON.stringify(actor), plan_digest: planDigest }
}

export function fromTable({ plan_digest: planDigest, actor, ...row }: Selectable<AuditTable>): AuditRow {
  return {
    ...row,
    actor: JSON.parse(actor) as Actor,
    planDigest,
    result: row.result as AuditRow['result'],
  }
}

/** Newest first. */
export async function findAudit(db: Read, { strategy, since, limit }: AuditAsk): Promise<AuditRow[]> {
  let query = db.selectFrom('audit').selectAll().orderBy('seq', 'desc').limit(limit)
  if (strategy !== undefined) query = query.where('strategy', '=', strategy)
  if (since !== undefined) query = query.where('at', '>=', since)
  return (await query.execute()).map(fromTable)
}

/** Rows as they lie there, oldest first: what somebody changed may be no row of ours any more. */
export function auditFrom(
  db: Read,
  { after, limit }: { after: number; limit: number },
): Promise<Selectable<AuditTable>[]> {
  return db.selectFrom('audit').selectAll().where('seq', '>', after).orderBy('seq').limit(limit).execute()
}
