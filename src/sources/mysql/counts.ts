import type { TableRows } from '../../core/model.ts'
import { isTable, isWindow } from './facts.ts'
import { markName, quoted } from './names.ts'
import { withSession, type SessionNeeds } from './session.ts'
import type { Connection } from './url.ts'

const countMs = 60 * 60_000 // for one table

/** Counts the tables that are named, history included; all when none is named. */
export function countRows(
  connection: Connection,
  expected: readonly TableRows[] | null,
  needs: SessionNeeds,
): Promise<TableRows[]> {
  return withSession(connection, { ...needs, deadlineMs: countMs }, async (session) => {
    const relations = await session.rows<{ name: string; type: string; engine: string | null }>(
      'SELECT TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1',
    )
    const wanted = expected && new Set(expected.map(({ name }) => name))
    const tables: TableRows[] = []
    for (const { name, type, engine } of relations) {
      if (!isTable(type) || name === markName || (wanted && !wanted.has(name))) continue
      if (isWindow(engine)) {
        tables.push({ name, rows: 0 }) // of its own
        continue
      }
      const all = type === 'SYSTEM VERSIONED' ? ' FOR SYSTEM_TIME ALL' : ''
      const [row] = await session.rows<{ rows: number }>(
        `SELECT COUNT(*) AS \`rows\` FROM ${quoted(name)}${all}`,
      )
      tables.push({ name, rows: Number(row!.rows) })
    }
    return tables
  })
}
