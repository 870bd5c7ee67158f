import { asFault } from '../../core/faults.ts'
import { quoted } from './names.ts'
import { withSession, type SessionNeeds } from './session.ts'
import type { Connection } from './url.ts'

const analyzeMs = 15 * 60_000 // for all tables, or for one of them where there are several at a time

/** Without statistics the first queries would be slow; the data is whole all the same.
 * @param jobs  how many tables at a time
 * @returns warnings: a failure is told and not thrown, unless it is the signal's */
export async function gatherStatistics(
  connection: Connection,
  { jobs, ...given }: SessionNeeds & { jobs: number },
): Promise<string[]> {
  const needs = { ...given, deadlineMs: analyzeMs }
  try {
    if (jobs > 1) await analyzeTogether(connection, needs, jobs)
    else await withSession(connection, needs, (session) => session.rows('ANALYZE'))
    return []
  } catch (error) {
    given.signal?.throwIfAborted()
    return [`statistics are missing, run ANALYZE: ${asFault(error).message}`]
  }
}

/** The largest first. A partitioned table brings its partitions with it. */
const tables = `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'm', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND n.nspname <> 'pg_toast'
  ORDER BY c.relkind = 'p' DESC, pg_relation_size(c.oid) DESC`

async function analyzeTogether(connection: Connection, needs: SessionNeeds, jobs: number): Promise<void> {
  const waiting = await withSession(connection, needs, ({ rows }) =>
    rows<{ schema: string; name: string }>(tables),
  )
  const worker = (): Promise<void> =>
    withSession(connection, needs, async ({ rows }) => {
      for (let next = waiting.shift(); next; next = waiting.shift())
        await rows(`ANALYZE ${quoted(next.schema)}.${quoted(next.name)}`)
    }).catch((error: unknown) => {
      waiting.length = 0
      throw error
    })
  const ends = await Promise.allSettled(Array.from({ length: jobs }, worker))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}
