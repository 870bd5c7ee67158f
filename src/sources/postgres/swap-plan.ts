import { asFault } from '../../core/faults.ts'
import type { Manifest } from '../../core/model.ts'
import type { SwapNames, TargetRequest } from '../source.ts'
import { nameBeside, quoted } from './names.ts'
import type { Place } from './place.ts'
import { withSession, type Session } from './session.ts'
import { withServer, type TargetState } from './target.ts'
import { endpointOf } from './url.ts'

export interface SwapPlan {
  swap: SwapNames
  newest: string | null
  warnings: string[]
  blockers: string[]
}

const answerMs = 10_000 // `max(created_at)` without an index may take its time; the plan does not wait for longer

/** What a restore in place of the live database needs and meets; changes nothing. */
export async function planSwap(
  place: Place,
  asked: { backup: Manifest; request: TargetRequest; state: TargetState },
  signal: AbortSignal,
): Promise<SwapPlan> {
  const { database: name } = place.live
  const { stamp, inPlace } = asked.request
  const swap = { name, beside: nameBeside(name, 'restore', stamp), kept: nameBeside(name, 'before', stamp) }
  const { state } = asked
  if (!state.exists)
    return {
      swap,
      newest: null,
      warnings: [],
      blockers: [`there is no database "${name}": restore beside, with --target-db ${name}`],
    }
  const rights = await withServer(place.live, { context: place.context, signal }, (server) =>
    readRights(server, name),
  )
  const newest = await newestData(place, inPlace?.freshnessSql ?? null, signal)
  return {
    swap,
    newest: newest.value,
    warnings: [...newest.warnings, ...warnings(place, rights)],
    blockers: blockers(place, asked, rights),
  }
}

interface Rights {
  isSuperuser: boolean
  mayCreate: boolean
  ownsIt: boolean
  owner: string
  /** Roles whose sessions this user may not end. */
  deaf: string[]
  /** Roles with settings of their own in this database, or that granted rights on it, which this user may not act for. */
  foreign: string[]
  /** Settings of the database that only a superuser may give to another. */
  privileged: string[]
  prepared: number
  slots: number
}

async function readRights(server: Session, name: string): Promise<Rights> {
  const [row] = await server.rows<Rights>(
    `SELECT me.rolsuper AS "isSuperuser", me.rolsuper OR me.rolcreatedb AS "mayCreate", pg_has_role(d.datdba, 'USAGE') AS "ownsIt",
       pg_get_userbyid(d.datdba) AS owner,
       ARRAY(SELECT DISTINCT r.rolname::text FROM pg_stat_activity a JOIN pg_roles r ON r.oid = a.usesysid
         WHERE a.datid = d.oid AND a.pid <> pg_backend_pid() AND NOT me.rolsuper
           AND (r.rolsuper OR NOT (pg_has_role(r.oid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE')))) AS deaf,
       ARRAY(SELECT r.rolname::text FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole
         WHERE s.setdatabase = d.oid AND NOT me.rolsuper AND r.oid <> me.oid AND (r.rolsuper OR NOT me.rolcreaterole)
         UNION SELECT r.rolname::text FROM aclexplode(d.datacl) g JOIN pg_roles r ON r.oid = g.grantor
         WHERE NOT pg_has_role(r.oid, 'MEMBER')) AS foreign,
       ARRAY(SELECT g.name FROM pg_db_role_setting s, unnest(s.setconfig) entry JOIN pg_settings g ON g.name = split_part(entry, '=', 1)
         WHERE s.setdatabase = d.oid AND NOT me.rolsuper AND g.context LIKE 'superuser%') AS privileged,
       (SELECT count(*)::int FROM pg_prepared_xacts WHERE database = d.datname) AS prepared,
       (SELECT count(*)::int FROM pg_replication_slots WHERE database = d.datname) AS slots
     FROM pg_database d, pg_roles me WHERE d.datname = $1 AND me.rolname = current_user`,
    [name],
  )
  return row!
}

function blockers({ live }: Place, { request }: { request: TargetRequest }, rights: Rights): string[] {
  const found: string[] = []
  const { database: name, user } = live
  if (['postgres', 'template1'].includes(name))
    found.push(`"${name}" belongs to the server: no swap can be made from another database`)
  if (request.tables?.length) found.push('single tables are not restored in place: the others would be gone')
  if (!rights.ownsIt || !rights.mayCreate)
    found.push(
      `user "${user}" may not rename "${name}" (its owner is "${rights.owner}"): give restore.database_url of the owner with CREATEDB; ${otherwise}`,
    )
  if (rights.deaf.length > 0)
    found.push(
      `user "${user}" may not end sessions of ${some(rights.deaf)}: GRANT pg_signal_backend TO ${quoted(user)} (superusers’ sessions only a superuser ends); ${otherwise}`,
    )
  const notCarried = [
    ...(rights.foreign.length > 0 ? [`what ${some(rights.foreign)} set or granted on it`] : []),
    ...(rights.privileged.length > 0 ? [`its setting of ${some(rights.privileged)}`] : []),
  ]
  if (notCarried.length > 0)
    found.push(`user "${user}" may not carry over ${notCarried.join(' and ')}: a superuser may; ${otherwise}`)
  if (rights.prepared > 0)
    found.push(`"${name}" has ${rights.prepared} prepared transactions: commit or roll them back first`)
  return found
}

const otherwise = 'or restore beside only, or with --clean after a backup'

function some(names: readonly string[]): string {
  return `${names.slice(0, 3).join(', ')}${names.length > 3 ? ' and others' : ''}`
}

function warnings({ origin, live }: Place, { slots }: Rights): string[] {
  const elsewhere = endpointOf(origin) !== endpointOf(live)
  return [
    ...(elsewhere
      ? [`backups are made at ${endpointOf(origin)}, the swap is made at ${endpointOf(live)}`]
      : []),
    ...(slots > 0 ? [`${slots} replication slots stay with the old database`] : []),
  ]
}

/** As whoever dumps, who can do little harm, and read-only all the same. */
async function newestData(
  { origin, live, context }: Place,
  sql: string | null,
  signal: AbortSignal,
): Promise<{ value: string | null; warnings: string[] }> {
  if (sql === null) return { value: null, warnings: [] }
  try {
    const connection = { ...origin, database: live.database }
    const [row] = await withSession(
      connection,
      { context, signal, deadlineMs: answerMs },
      async ({ rows }) => {
        await rows('BEGIN READ ONLY')
        return rows<Record<string, string | number | boolean | Date | null>>(sql)
      },
    )
    const [value] = Object.values(row ?? {})
    return {
      value: value == null ? null : value instanceof Date ? value.toISOString() : String(value),
      warnings: [],
    }
  } catch (error) {
    signal.throwIfAborted()
    return { value: null, warnings: [`the newest data is unknown: ${asFault(error).message}`] }
  }
}
