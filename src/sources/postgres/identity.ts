import { asFault } from '../../core/faults.ts'
import type { TargetRequest } from '../source.ts'
import { forWriting } from './hosts.ts'
import type { Place } from './place.ts'
import { withSession, type Session } from './session.ts'
import { serverIdentity, withServer } from './target.ts'
import { connectionTo } from './url.ts'

/** The number that a database keeps through every rename, and its server's: numbers of two servers may be the same. */
export async function identityOf(
  server: Session,
  { place, name }: { place: Place; name: string },
): Promise<string | null> {
  const [row] = await server.rows<{ oid: number }>('SELECT oid FROM pg_database WHERE datname = $1', [name])
  return row ? `${await serverIdentity(place.live, server)}/${row.oid}` : null
}

/** The name that a database of this server has now. */
export async function calledNow(
  server: Session,
  { place, id }: { place: Place; id: string },
): Promise<string | null> {
  const [, itsServer, oid] = /^(.*)\/(\d+)$/s.exec(id) ?? []
  if (itsServer !== (await serverIdentity(place.live, server))) return null
  const [row] = await server.rows<{ name: string }>(
    'SELECT datname AS name FROM pg_database WHERE oid = $1',
    [oid],
  )
  return row?.name ?? null
}

/** Who may not ask for the server's own number may ask since when it runs: no two began in the same microsecond. */
export async function marksOf(
  { live, context }: Place,
  { database, url }: Pick<TargetRequest, 'database' | 'url'>,
  signal: AbortSignal,
): Promise<string[]> {
  const at = url === null ? live : forWriting(connectionTo(url))
  const look = async (session: Session): Promise<string[]> => {
    const [row] = await session.rows<{ oid: number; since: string }>(
      `SELECT oid, extract(epoch FROM pg_postmaster_start_time())::text AS since FROM pg_database WHERE datname = $1`,
      [database ?? at.database],
    )
    if (!row) return []
    return [`${await serverIdentity(at, session)}/${row.oid}`, `since ${row.since}/${row.oid}`]
  }
  try {
    return await withSession(at, { context, signal }, look) // who backs it up may connect to nothing else, maybe
  } catch (error) {
    if (asFault(error).code !== 'database-missing') throw error
    return withServer(at, { context, signal }, look)
  }
}
