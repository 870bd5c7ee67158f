import { asFault } from '../../core/faults.ts'
import type { CheckLine } from '../source.ts'
import type { Version } from './flavour.ts'
import { noRight, readRights } from './grants.ts'
import { nameBeside } from './names.ts'
import type { Place } from './place.ts'
import { programFor } from './programs.ts'
import { withServer, withSession, type Session } from './session.ts'
import { endpointOf } from './url.ts'

/** For doctor. Each line is tried by itself, so that one run shows everything. */
export async function check(place: Place, signal: AbortSignal): Promise<CheckLine[]> {
  const { origin, restorer, context } = place
  const needs = { context, signal }
  let version: Version | null = null
  const reach = await line('database', signal, async () => {
    const { encrypted } = await withSession(
      origin,
      needs,
      async (session) => ((version = session.version), session),
    )
    return `${version!.flavour} ${version!.text} at ${endpointOf(origin)}${encrypted ? ', encrypted' : ''}`
  })
  if (!reach.ok) return [reach]
  const program = async (task: 'dump' | 'restore'): Promise<string> => {
    const { program: found } = await programFor(task, version!, context, signal)
    return `${found.flavour} ${found.text} (${found.path})`
  }
  return [
    reach,
    await line('dump program', signal, () => program('dump')),
    await line('restore program', signal, () => program('restore')),
    await line('right to read', signal, () =>
      withSession(origin, needs, (session) => readable(session, origin.database)),
    ),
    await line('right to create', signal, async () => {
      const name = nameBeside(origin.database, 'restore', '20000101_000000')
      const rights = await withServer(restorer, needs, readRights)
      if (!rights.on('CREATE', name)) throw new Error(noRight(restorer.user, name))
      return `user "${restorer.user}" may create databases for restores`
    }),
  ]
}

/** The server's clock, epoch ms. */
export function serverTime({ origin, context }: Place, signal: AbortSignal): Promise<number> {
  return withSession(origin, { context, signal }, async (session) => {
    const [row] = await session.rows<{ now: string }>(
      'SELECT CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS CHAR) AS now',
    )
    return Math.round(Number(row!.now))
  })
}

const needed = ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT']

/** Bodies of routines are shown to whoever made them, and to those who may read where the server keeps them. */
async function readable(session: Session, database: string): Promise<string> {
  const rights = await readRights(session)
  const missing = needed.filter((right) => !rights.on(right, database))
  if (missing.length > 0) throw new Error(`no right to ${missing.join(', ')} on database "${database}"`)
  const [hidden] = await session.rows<{ name: string }>(
    `SELECT ROUTINE_NAME AS name FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE() AND ROUTINE_DEFINITION IS NULL LIMIT 1`,
  )
  if (hidden)
    throw new Error(
      `no right to read the body of routine "${hidden.name}": GRANT SELECT ON mysql.proc (MariaDB) or SHOW_ROUTINE (MySQL)`,
    )
  return 'tables, views, triggers, routines and events can be read'
}

async function line(name: string, signal: AbortSignal, tryIt: () => Promise<string>): Promise<CheckLine> {
  try {
    return { name, ok: true, text: await tryIt(), hint: null }
  } catch (error) {
    signal.throwIfAborted()
    const { message, hint } = asFault(error)
    return { name, ok: false, text: message, hint: hint ?? null }
  }
}
