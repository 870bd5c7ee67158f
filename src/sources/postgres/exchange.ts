import { asFault, Fault } from '../../core/faults.ts'
import type { Swap, Swapped } from '../source.ts'
import { carryProperties } from './carry.ts'
import { identityOf } from './identity.ts'
import { quoted } from './names.ts'
import type { Place } from './place.ts'
import type { Session } from './session.ts'
import { withServer } from './target.ts'

interface Exchange {
  swap: Swap
  how: { force: boolean; carry: boolean }
}

const deadlineMs = 30_000 // a rename waits 5 s for sessions to go; everything else takes milliseconds
const againMs = 20 // between two looks for sessions
const mostTries = 3

/** Both renames are one transaction, so that a crash leaves both or neither. Nothing forbids connections for longer than that:
 * the first rename itself holds a lock which whoever connects waits for, and which is gone with us, while a database that was
 * closed with ALLOW_CONNECTIONS (or CONNECTION LIMIT, which superusers pass) would stay closed after a crash. The sessions that
 * are open are ended while it waits for them. */
export async function exchange(place: Place, job: Exchange, signal: AbortSignal): Promise<Swapped> {
  signal.throwIfAborted()
  for (let tries = 1; ; tries++)
    try {
      return await exchangeOnce(place, job)
    } catch (error) {
      if (sqlState(error) !== '55006') throw faultOf(error, job)
      if (!job.how.force || tries === mostTries) throw inUse(job.swap, error)
    }
}

function exchangeOnce(place: Place, { swap, how }: Exchange): Promise<Swapped> {
  const needs = { context: place.context, signal: null, deadlineMs }
  return withServer(place.live, needs, async (server) => {
    await refuseOthers(server, place, swap)
    await server.rows('BEGIN')
    if (!how.force) await refuseSessions(server, swap)
    if (how.carry) await carryProperties(server, { from: swap.name, to: swap.beside })
    const begun = place.context.clock.monotonic()
    const ending = how.force ? endSessions(place, swap) : null
    try {
      await server.rows(`ALTER DATABASE ${quoted(swap.name)} RENAME TO ${quoted(swap.kept)}`)
      await server.rows(`ALTER DATABASE ${quoted(swap.beside)} RENAME TO ${quoted(swap.name)}`)
      await refuseMixedUp(server, swap)
      await server.rows('COMMIT')
    } finally {
      ending?.stop()
    }
    const downMs = Math.round(place.context.clock.monotonic() - begun)
    return { sessions: (await ending?.count) ?? 0, downMs }
  })
}

async function refuseOthers(server: Session, place: Place, swap: Swap): Promise<void> {
  const old = await identityOf(server, { place, name: swap.name })
  const fresh = await identityOf(server, { place, name: swap.beside })
  if (old !== swap.oldId || fresh !== swap.newId) throw others(swap)
}

/** Somebody may have been as quick as we are: before it counts, the names are looked at once more. */
async function refuseMixedUp(server: Session, swap: Swap): Promise<void> {
  const rows = await server.rows<{ datname: string; oid: number }>(
    'SELECT datname, oid FROM pg_database WHERE datname = ANY ($1)',
    [[swap.name, swap.kept]],
  )
  const isIts = (name: string, id: string): boolean =>
    rows.some(({ datname, oid }) => datname === name && id.endsWith(`/${oid}`))
  if (!isIts(swap.name, swap.newId) || !isIts(swap.kept, swap.oldId)) throw others(swap)
}

function others({ name, beside }: Swap): Fault {
  return new Fault('stale', `"${name}" or "${beside}" is another database than before`, {
    hint: 'nothing was changed',
  })
}

/** The server's own workers have no user; they go by themselves, and what kind a session is only some may see. */
const othersIn = `FROM pg_stat_activity a JOIN pg_database d ON d.oid = a.datid
  WHERE d.datname = ANY ($1) AND a.pid <> pg_backend_pid() AND a.usesysid IS NOT NULL`

async function refuseSessions(server: Session, { name, beside }: Swap): Promise<void> {
  const [row] = await server.rows<{ count: number }>(`SELECT count(*)::int AS count ${othersIn}`, [
    [name, beside],
  ])
  if (row!.count > 0) throw inUse({ name, count: row!.count })
}

/** Ends sessions again and again, from a session of its own, until the renames are through. */
function endSessions(place: Place, { name, beside }: Swap): { stop: () => void; count: Promise<number> } {
  let isOver = false
  const ended = new Set<number>()
  const needs = { context: place.context, signal: null, deadlineMs }
  const work = withServer(place.live, needs, async (server) => {
    while (!isOver) {
      const sql = `SELECT a.pid, pg_terminate_backend(a.pid) ${othersIn}`
      for (const { pid } of await server.rows<{ pid: number }>(sql, [[name, beside]])) ended.add(pid)
      await place.context.clock.sleep(againMs)
    }
  }).catch((error: unknown) => place.context.said('swap', asFault(error).message)) // then the rename says who is in the way
  return { stop: () => void (isOver = true), count: work.then(() => ended.size) }
}

function inUse({ name, count }: { name: string; count?: number }, cause?: unknown): Fault {
  const who = count === undefined ? 'somebody is' : count === 1 ? 'one session is' : `${count} sessions are`
  return new Fault('database-locked', `${who} still in "${name}"`, {
    hint: 'nothing was changed; --force ends live sessions',
    cause,
  })
}

function sqlState(error: unknown): string | undefined {
  const { code, cause } = error as { code?: string; cause?: { code?: string } }
  return cause?.code ?? code
}

function faultOf(error: unknown, { swap }: Exchange): unknown {
  const state = sqlState(error)
  const hint = 'nothing was changed'
  if (state === '42501')
    return new Fault('restore-failed', `the swap is not permitted: ${(error as Error).message}`, {
      hint: `${hint}; restore beside, or give restore.database_url of the owner`,
      cause: error,
    })
  if (state === '42P04')
    return new Fault('target-exists', `there is a database "${swap.kept}" already`, { hint, cause: error })
  return error
}
