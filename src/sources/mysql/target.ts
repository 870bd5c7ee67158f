import { createHash } from 'node:crypto'
import { Fault } from '../../core/faults.ts'
import type { Manifest } from '../../core/model.ts'
import type { TargetPlan, TargetRequest } from '../source.ts'
import type { Version } from './flavour.ts'
import { noRight, readRights } from './grants.ts'
import { assertName, nameBeside } from './names.ts'
import type { Place } from './place.ts'
import { withServer, type Session, type SessionNeeds } from './session.ts'
import { connectionTo, endpointOf, type Connection } from './url.ts'

export interface Target {
  mode: TargetPlan['mode']
  /** Its database is the target itself. */
  connection: Connection
}

/** @throws Fault target-invalid */
export function resolveTarget(place: Place, backup: Manifest, request: TargetRequest): Target {
  const target = targetOf(place, backup, request)
  assertName(target.connection.database)
  return target
}

function targetOf(place: Place, backup: Manifest, request: TargetRequest): Target {
  if (request.url !== null) return { mode: 'other-server', connection: connectionTo(request.url) }
  if (request.database !== null)
    return { mode: 'other-database', connection: { ...place.restorer, database: request.database } }
  const database = nameBeside(backup.database, 'restore', request.stamp)
  return { mode: 'new-database', connection: { ...place.restorer, database } }
}

/** What is at the target now. */
export interface TargetState {
  version: Version
  encrypted: boolean
  mayCreate: boolean
  /** May it make views and routines that run as somebody else? */
  mayNameOthers: boolean
  /** Functions and triggers: with its binary log on a server lets only trusted accounts make them. */
  mayMakeCode: boolean
  /** `user@host`, as the server knows who restores. */
  account: string
  maxAllowedPacket: number
  /** 0: names keep their capitals. */
  lowerCaseNames: number
  fingerprint: string
  exists: boolean
  empty: boolean
  sizeBytes: number | null
  sessions: number | null
}

export function readTarget(connection: Connection, needs: SessionNeeds): Promise<TargetState> {
  return withServer(connection, needs, (server) => stateOf(server, connection))
}

interface ServerRow {
  account: string
  packet: number
  trusts: number
  lower: number
  identity: string
}

interface DatabaseRow {
  born: string | null
  size: string | number | null
  objects: number
  sessions: number
}

async function stateOf(server: Session, connection: Connection): Promise<TargetState> {
  const { database } = connection
  const rights = await readRights(server)
  const [about] = await server.rows<ServerRow>(
    `SELECT CURRENT_USER() AS account, @@global.max_allowed_packet AS packet, @@global.lower_case_table_names AS lower,
       (NOT @@global.log_bin OR @@global.log_bin_trust_function_creators) AS trusts,
       CONCAT_WS(' ', @@hostname, @@port, @@datadir, @@server_id) AS identity`,
  )
  const found = await databaseFacts(server, database)
  return {
    version: server.version,
    encrypted: server.encrypted,
    mayCreate: rights.on('CREATE', database),
    mayNameOthers: ['SUPER', 'SET USER', 'SET_USER_ID', 'SET_ANY_DEFINER'].some((right) =>
      rights.everywhere(right),
    ),
    mayMakeCode:
      Number(about!.trusts) === 1 || rights.everywhere('SUPER') || rights.everywhere('BINLOG ADMIN'),
    account: about!.account,
    maxAllowedPacket: Number(about!.packet),
    lowerCaseNames: Number(about!.lower),
    fingerprint: fingerprint([
      endpointOf(connection),
      about!.identity,
      database,
      found?.born ?? null,
      found !== null,
    ]),
    exists: found !== null,
    empty: found === null || Number(found.objects) === 0,
    sizeBytes: found === null ? null : Number(found.size ?? 0),
    sessions: found === null ? 0 : Number(found.sessions),
  }
}

/** There is no number that stands for a database: when its oldest table was made stands for it here. */
async function databaseFacts(server: Session, database: string): Promise<DatabaseRow | null> {
  const [row] = await server.rows<DatabaseRow>(
    `SELECT (SELECT MIN(CREATE_TIME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = s.SCHEMA_NAME) AS born,
       (SELECT SUM(DATA_LENGTH + INDEX_LENGTH) FROM information_schema.TABLES WHERE TABLE_SCHEMA = s.SCHEMA_NAME) AS size,
       (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = s.SCHEMA_NAME)
         + (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = s.SCHEMA_NAME)
         + (SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = s.SCHEMA_NAME) AS objects,
       (SELECT COUNT(*) FROM information_schema.PROCESSLIST p WHERE p.DB = s.SCHEMA_NAME AND p.ID <> CONNECTION_ID()) AS sessions
     FROM information_schema.SCHEMATA s WHERE s.SCHEMA_NAME = ?`,
    [database],
  )
  return row ?? null
}

function fingerprint(identity: unknown[]): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex')
}

/** @throws Fault target-exists · target-invalid */
export function assertUsable(connection: Connection, state: TargetState, { clean }: TargetRequest): void {
  const { database, user } = connection
  if (state.exists && !state.empty && !clean)
    throw new Fault('target-exists', `database "${database}" is not empty`, {
      hint: 'choose another name, or an empty database',
    })
  if (!state.exists && !state.mayCreate) throw new Fault('target-invalid', noRight(user, database))
}
