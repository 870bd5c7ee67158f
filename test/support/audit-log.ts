import type { AuditEntry, AuditRow } from '../../src/core/audit.ts'
import { audit, fromTable, hashOf } from '../../src/state/audit.ts'
import type { Database } from '../../src/state/database.ts'

/** What somebody does to an audit log who can write the state file. */

export const noon = Date.parse('2026-11-20T12:00:00Z')

export const entry: AuditEntry = {
  actor: { via: 'cli', id: 'ann' },
  act: 'run',
  strategy: 'shop',
  subject: null,
  planDigest: null,
  reason: null,
  result: 'allowed',
  detail: null,
  link: null,
}

/** Honest rows. */
export async function writeRows({ write }: Database, rows: number): Promise<void> {
  await write(async (tx) => {
    for (let count = 0; count < rows; count++)
      await audit(tx, { ...entry, detail: `row ${count}` }, noon + count)
  })
}

export async function rowAt({ read }: Database, seq: number): Promise<AuditRow> {
  return fromTable(
    await read.selectFrom('audit').selectAll().where('seq', '=', seq).executeTakeFirstOrThrow(),
  )
}

export function removeRows({ write }: Database, ...seqs: number[]): Promise<unknown> {
  return write((tx) => tx.deleteFrom('audit').where('seq', 'in', seqs).execute())
}

export function changeRow({ write }: Database, seq: number, to: object): Promise<unknown> {
  return write((tx) => tx.updateTable('audit').set(to).where('seq', '=', seq).execute())
}

/** Two rows change their numbers. */
export async function swapRows(database: Database, one: number, other: number): Promise<void> {
  await changeRow(database, one, { seq: -1 })
  await changeRow(database, other, { seq: one })
  await changeRow(database, -1, { seq: other })
}

/** A row that agrees with itself. */
export async function forgeRow(database: Database, seq: number, to: Partial<AuditRow>): Promise<void> {
  const row = { ...(await rowAt(database, seq)), ...to }
  const { detail, prev } = row
  await changeRow(database, seq, { detail, prev, hash: hashOf(row) })
}
