import { createHash } from 'node:crypto'
import { Fault } from '../../core/faults.ts'
import type { Manifest } from '../../core/model.ts'
import type { TargetPlan, TargetRequest } from '../source.ts'
import { forWriting } from './hosts.ts'
import { isTooLong, restoreName } from './names.ts'
import type { Place } from './place.ts'
import { withSession, type Session, type SessionNeeds } from './session.ts'
import { connectionTo, endpointOf, type Connection } from './url.ts'

export interface Target {
  mode: TargetPlan['mode']
  /** Its database is the target itself. */
  connection: Connection
}

/** @throws Fault target-invalid */
export function resolveTarget(place: Place, backup: Manifest, request: TargetRequest): Target {
  const target = targetOf(place, backup, request)
  const { database } = target.connection
  if (database === '' || database.includes('\0') || isTooLong(database))
    throw new Fault('target-invalid', 'the name of the target has more than 63 bytes, or none', {
      hint: 'choose a shorter name',
    })
  return target
}

function targetOf(place: Place, backup: Manifest, request: TargetRequest): Target {
  if (request.url !== null) return { mode: 'other-server', connection: forWriting(connectionTo(request.url)) }
  if (request.database !== null)
    return { mode: 'other-database', connection: { ...place.restorer, database: request.database } }
  const database = restoreName(backup.database, request.stamp)
  return { mode: 'new-database', connection: { ...place.restorer, database } }
}

/** A session on the target's server that does not depend on the target being there. */
export async function withServer<T>(
  connection: Connection,
  needs: SessionNeeds,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  let connected = false
  for (const database of ['postgres', 'template1'])
    try {
      return await withSession({ ...connection, database }, needs, (session) => {
        connected = true
        return work(session)
      })
    } catch (error) {
      const elsewhere =
        error instanceof Fault && ['database-missing', 'database-refused'].includes(error.code)
      if (connected || !elsewhere || database === 'template1') throw error
    }
  throw new TypeError('no database to connect to') // the loop returned or threw
}

/** What is at the target now. */
export interface TargetState {
  serverMajor: number
  serverVersion: string
  mayCreate: boolean
  fingerprint: string
  exists: boolean
  empty: boolean
  sizeBytes: number | null
  sessions: number | null
}

export async function readTarget(connection: Connection, needs: SessionNeeds): Promise<TargetState> {
  const state = await withServer(connection, needs, (session) => readFromServer(connection, session))
  if (!state.exists) return state
  const empty = await withSession(connection, needs, isEmpty)
  return { ...state, empty }
}

interface DatabaseRow {
  oid: number
  size: string | null
  sessions: string
}

async function readFromServer(connection: Connection, session: Session): Promise<TargetState> {
  const [right] = await session.rows<{ may_create: boolean }>(
    'SELECT rolcreatedb OR rolsuper AS may_create FROM pg_roles WHERE rolname = current_user',
  )
  const [database] = await session.rows<DatabaseRow>(
    `SELECT oid, CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) END AS size,
       (SELECT count(*) FROM pg_stat_activity WHERE datid = d.oid AND usesysid IS NOT NULL) AS sessions
     FROM pg_database d WHERE datname = $1`,
    [connection.database],
  )
  return {
    serverMajor: session.serverMajor,
    serverVersion: session.serverVersion,
    mayCreate: right?.may_create ?? false,
    fingerprint: await fingerprint(connection, session, database?.oid),
    exists: database !== undefined,
    empty: database === undefined,
    sizeBytes: database?.size == null ? null : Number(database.size),
    sessions: database ? Number(database.sessions) : 0,
  }
}

/** The server's own identity where we may read it, so that another server behind the same address is noticed. */
async function fingerprint(
  connection: Connection,
  session: Session,
  oid: number | undefined,
): Promise<string> {
  const identity = JSON.stringify([
    await serverIdentity(connection, session),
    oid ?? 'absent',
    connection.database,
  ])
  return createHash('sha256').update(identity).digest('hex')
}

export async function serverIdentity(connection: Connection, session: Session): Promise<string> {
  return session
    .rows<{ id: string }>('SELECT system_identifier::text AS id FROM pg_control_system()')
    .then(([row]) => row!.id)
    .catch(() => endpointOf(connection)) // some hosted platforms forbid it
}

/** Extensions alone do not count: dumps create them only where they are missing. */
export async function isEmpty(session: Session): Promise<boolean> {
  const ofNobody = (catalog: string, oid: string) =>
    `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`
  const [row] = await session.rows<{ empty: boolean }>(
    `WITH own AS (SELECT oid, nspname FROM pg_namespace n
       WHERE nspname <> 'information_schema' AND nspname !~ '^pg_' AND ${ofNobody('pg_namespace', 'n.oid')})
     SELECT NOT EXISTS (SELECT FROM own WHERE nspname <> 'public')
       AND NOT EXISTS (SELECT FROM pg_class c JOIN own ON own.oid = relnamespace WHERE ${ofNobody('pg_class', 'c.oid')})
       AND NOT EXISTS (SELECT FROM pg_proc p JOIN own ON own.oid = pronamespace WHERE ${ofNobody('pg_proc', 'p.oid')})
       AND NOT EXISTS (SELECT FROM pg_largeobject_metadata) AS empty`,
  )
  return row!.empty
}
