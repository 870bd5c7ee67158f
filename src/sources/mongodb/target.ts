import { createHash } from 'node:crypto'
import { Fault } from '../../core/faults.ts'
import type { Manifest } from '../../core/model.ts'
import type { TargetPlan, TargetRequest } from '../source.ts'
import { collectionsOf, databasesOf, markName } from './catalogue.ts'
import type { Place } from './place.ts'
import { withSession, type Session, type SessionNeeds } from './session.ts'
import { authSourceOf, connectionTo, endpointOf, nameBeside, wrongName, type Connection } from './url.ts'

export interface Target {
  mode: TargetPlan['mode']
  /** Its database is the target itself. */
  connection: Connection
}

/** @throws Fault target-invalid */
export function resolveTarget(place: Place, backup: Manifest, request: TargetRequest): Target {
  const target = targetOf(place, backup, request)
  const wrong = wrongName(target.connection.database)
  if (wrong !== null) throw new Fault('target-invalid', wrong, { hint: 'choose another name' })
  return target
}

function targetOf({ restorer }: Place, backup: Manifest, request: TargetRequest): Target {
  if (request.url !== null) return { mode: 'other-server', connection: connectionTo(request.url) }
  if (request.inPlace) return { mode: 'in-place', connection: restorer }
  if (request.database !== null) return { mode: 'other-database', connection: at(restorer, request.database) }
  const database = nameBeside(backup.database, 'restore', request.stamp)
  return { mode: 'new-database', connection: at(restorer, database) }
}

/** The same server and user, another database. */
export function at(connection: Connection, database: string): Connection {
  const parameters = { ...connection.parameters, ...authSourceOf(connection) }
  return { ...connection, database, parameters }
}

/** What is at the target now. */
export interface TargetState {
  serverVersion: string
  fingerprint: string
  exists: boolean
  empty: boolean
  sizeBytes: number | null
  /** Differs from the wanted name in capitals alone: the server takes no second such. */
  clash: string | null
}

export function readTarget(connection: Connection, needs: SessionNeeds): Promise<TargetState> {
  return withSession(connection, needs, (session) => stateOf(session, connection))
}

export async function stateOf(session: Session, connection: Connection): Promise<TargetState> {
  const { database } = connection
  const databases = await databasesOf(session)
  const found = databases.find(({ name }) => name === database)
  const clash = databases.find(({ name }) => name !== database && sameButCapitals(name, database))
  const held = found ? await collectionsOf(session.db) : []
  const partial = found ? await session.db.listCollections({ name: markName }).hasNext() : false
  // a collection keeps its number until it is dropped: somebody confirms exactly what is there
  const identity = [
    session.hello.setName ?? endpointOf(connection),
    database,
    partial,
    ...held.map(({ name, uuid }) => `${name} ${uuid}`).toSorted(),
  ]
  return {
    serverVersion: session.serverVersion,
    fingerprint: createHash('sha256').update(JSON.stringify(identity)).digest('hex'),
    exists: found !== undefined,
    empty: held.length === 0 && !partial,
    sizeBytes: found?.sizeBytes ?? null,
    clash: clash?.name ?? null,
  }
}

function sameButCapitals(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}
