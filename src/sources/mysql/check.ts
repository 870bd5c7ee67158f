import { Fault } from '../../core/faults.ts'
import { checkLine } from '../check-line.ts'
import type { CheckLine } from '../source.ts'
import type { Version } from './flavour.ts'
import { grantsToRead, noRight, readRights } from './grants.ts'
import { nameBeside } from './names.ts'
import type { Place } from './place.ts'
import { programFor } from './programs.ts'
import { hiddenRoutines } from './readable.ts'
import { withServer, withSession, type Session } from './session.ts'
import { endpointOf, type Connection } from './url.ts'

/** For doctor. Each line is tried by itself, so that one run shows everything. */
export async function check(place: Place, signal: AbortSignal): Promise<CheckLine[]> {
  const { origin, restorer, context } = place
  const needs = { context, signal }
  let version: Version | null = null
  const reach = await checkLine('database', signal, async () => {
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
    await checkLine('dump program', signal, () => program('dump')),
    await checkLine('restore program', signal, () => program('restore')),
    await checkLine('right to read', signal, () =>
      withSession(origin, needs, (session) => readable(session, origin)),
    ),
    await checkLine('right to create', signal, async () => {
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

async function readable(session: Session, origin: Connection): Promise<string> {
  const { database } = origin
  const rights = await readRights(session)
  const missing = needed.filter((right) => !rights.on(right, database))
  const hidden = await hiddenRoutines(session, database)
  const unread = [...(missing.length > 0 ? [`${missing.join(', ')} on database "${database}"`] : []), hidden]
  const told = unread.filter((what) => what !== null).join('; ')
  if (told !== '')
    throw new Fault('database-refused', `no right to ${told}`, {
      hint: grantsToRead(origin, session.version),
    })
  return 'tables, views, triggers, routines and events can be read'
}
