import { Fault } from '../../core/faults.ts'
import type { Swap, SwapNames, Swapping } from '../source.ts'
import { exchange } from './exchange.ts'
import { identityOf } from './identity.ts'
import { quoted } from './names.ts'
import type { Place } from './place.ts'
import { withSession, type Session, type SessionNeeds } from './session.ts'
import { dropMs, lockTarget } from './target-database.ts'
import { isEmpty, withServer } from './target.ts'

export function swapping(place: Place): Swapping {
  const { live, context } = place
  const ask = <T>(needs: Omit<SessionNeeds, 'context'>, work: (server: Session) => Promise<T>) =>
    withServer(live, { context, ...needs }, work)
  return {
    alone: (name, signal, work) =>
      ask({ signal }, async (server) => {
        await lockTarget(server, name)
        return work()
      }),
    identify: (names, signal) => ask({ signal }, (server) => identify(server, { place, names })),
    exchange: (swap, how, signal) => exchange(place, { swap, how }, signal),
    standing: (swap, signal) =>
      ask({ signal }, async (server) => {
        const id = await identityOf(server, { place, name: swap.name })
        return id === swap.oldId ? 'old' : id === swap.newId ? 'new' : 'neither'
      }),
    remove: (left, signal) =>
      ask({ signal, deadlineMs: dropMs }, (server) => remove(server, { place, left, signal })),
  }
}

async function identify(
  server: Session,
  { place, names }: { place: Place; names: SwapNames },
): Promise<Swap> {
  const idOf = async (name: string): Promise<string> => {
    const id = await identityOf(server, { place, name })
    if (id !== null) return id
    throw new Fault('target-invalid', `there is no database "${name}" any more`)
  }
  return { ...names, oldId: await idOf(names.name), newId: await idOf(names.beside) }
}

async function remove(
  server: Session,
  { place, left, signal }: { place: Place; left: { name: string; id: string | null }; signal: AbortSignal },
): Promise<'removed' | 'absent' | 'foreign'> {
  const id = await identityOf(server, { place, name: left.name })
  if (id === null) return 'absent'
  const isOurs =
    left.id === null ? await isUnfinished(server, { place, name: left.name, signal }) : id === left.id
  if (!isOurs) return 'foreign'
  await server.rows(`DROP DATABASE ${quoted(left.name)}${server.serverMajor >= 13 ? ' WITH (FORCE)' : ''}`)
  return 'removed'
}

/** A restore marks what it makes from the first moment on; who dies right before that leaves a database of ours that is empty. */
async function isUnfinished(
  server: Session,
  { place, name, signal }: { place: Place; name: string; signal: AbortSignal },
): Promise<boolean> {
  const [row] = await server.rows<{ comment: string | null; own: boolean }>(
    `SELECT shobj_description(oid, 'pg_database') AS comment, datdba = current_user::regrole AS own
     FROM pg_database WHERE datname = $1`,
    [name],
  )
  if (row?.comment != null) return /^easy-backup: (partial restore of|restored from) /.test(row.comment)
  const connection = { ...place.live, database: name }
  return (row?.own ?? false) && withSession(connection, { context: place.context, signal }, isEmpty)
}
