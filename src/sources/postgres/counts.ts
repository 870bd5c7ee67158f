import type { TableRows } from '../../core/model.ts'
import { quoted, tableName } from './names.ts'
import { withSession, type Session, type SessionNeeds } from './session.ts'
import type { Connection } from './url.ts'

const countMs = 60 * 60_000 // for one table

/** Counts the tables that the backup names; all of them when it names none (it was not proved). */
export async function countRows(
  connection: Connection,
  expected: TableRows[] | null,
  needs: SessionNeeds,
): Promise<{ tables: TableRows[]; warnings: string[] }> {
  return withSession(connection, { ...needs, deadlineMs: countMs }, async (session) => {
    const wanted = expected && new Map(expected.map(({ name, rows }) => [name, rows]))
    const tables: TableRows[] = []
    const warnings: string[] = []
    for (const relation of await relations(session)) {
      const name = tableName(relation.schema, relation.name)
      if (wanted ? !wanted.has(name) : relation.kind === 'p' || relation.of_extension) continue
      const rows = await count(session, relation)
      const planned = wanted?.get(name) ?? rows
      const isPadded = relation.of_extension && rows > planned
      if (isPadded)
        warnings.push(`${name} belongs to an extension that brought ${rows - planned} rows of its own`)
      tables.push({ name, rows: isPadded ? planned : rows })
    }
    return { tables, warnings }
  })
}

interface Relation {
  schema: string
  name: string
  kind: 'r' | 'p'
  of_extension: boolean
}

function relations(session: Session): Promise<Relation[]> {
  return session.rows<Relation>(
    `SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind, EXISTS (SELECT FROM pg_depend d
         WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') AS of_extension
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY 1, 2`,
  )
}

/** ONLY: a parent's rows in the dump are its own. A partitioned table in the dump stands for its partitions. */
async function count(session: Session, { schema, name, kind }: Relation): Promise<number> {
  const only = kind === 'p' ? '' : 'ONLY '
  const [row] = await session.rows<{ rows: string }>(
    `SELECT count(*) AS rows FROM ${only}${quoted(schema)}.${quoted(name)}`,
  )
  return Number(row!.rows)
}
