import type { Place } from './place.ts'
import type { Session } from './session.ts'
import { serverIdentity } from './target.ts'

/** The number that a database keeps through every rename, and its server's: numbers of two servers may be the same. */
export async function identityOf(
  server: Session,
  { place, name }: { place: Place; name: string },
): Promise<string | null> {
  const [row] = await server.rows<{ oid: number }>('SELECT oid FROM pg_database WHERE datname = $1', [name])
  return row ? `${await serverIdentity(place.live, server)}/${row.oid}` : null
}
