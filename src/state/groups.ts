import { sql } from 'kysely'
import type { Identity } from '../sys/strays.ts'
import type { Read, Write } from './database.ts'
import { findRun, runFrom, type Run, type RunParams } from './runs.ts'

/** A running run turns out to be about one series: it holds that one's lease from now on, and not the one of all. */
export async function assignSeries(
  tx: Write,
  run: string,
  to: { series: string; lease: string; params: RunParams; holder: Identity; at: number },
): Promise<void> {
  const { series, lease, params } = to
  await tx.deleteFrom('leases').where('run', '=', run).execute()
  const held = { key: lease, run, holder: JSON.stringify(to.holder), taken_at: to.at }
  await tx.insertInto('leases').values(held).execute()
  await tx
    .updateTable('runs')
    .set({ series, lease, params: JSON.stringify(params) })
    .where('id', '=', run)
    .execute()
}

/** Every run that came of one list, in the order they were accepted. */
export async function runsOfGroup(db: Read, group: string): Promise<Run[]> {
  const head = await findRun(db, group)
  if (!head) return []
  const rows = await db
    .selectFrom('runs')
    .selectAll()
    .where('strategy', '=', head.strategy)
    .where('kind', '=', 'backup')
    .where(sql<string>`params ->> '$.group'`, '=', group)
    .orderBy('seq')
    .execute()
  return rows.map(runFrom)
}
