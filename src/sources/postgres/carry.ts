import { Fault } from '../../core/faults.ts'
import { quoted } from './names.ts'
import type { Session } from './session.ts'

/** What belongs to a database and is in no dump of it. */
interface Properties {
  owner: string
  connectionLimit: number
  comment: string | null
  /** null: what every database has when nobody granted or revoked anything. */
  grants: Grant[] | null
  settings: { role: string | null; config: string[] }[]
}

interface Grant {
  grantor: string
  /** null: everybody. */
  grantee: string | null
  privilege: string
  isGrantable: boolean
}

/** Gives the database `to` the owner, settings (also those of single roles in it), grants, connection limit and comment of `from`,
 * in the caller's transaction, and looks whether it has them.
 * @throws Fault restore-failed when it has not */
export async function carryProperties(
  server: Session,
  { from, to }: { from: string; to: string },
): Promise<void> {
  const wanted = await readProperties(server, from)
  const database = `DATABASE ${quoted(to)}`
  await server.rows(`ALTER ${database} OWNER TO ${quoted(wanted.owner)}`)
  await server.rows(`ALTER ${database} CONNECTION LIMIT ${wanted.connectionLimit}`)
  await server.rows(`COMMENT ON ${database} IS ${wanted.comment === null ? 'NULL' : literal(wanted.comment)}`)
  await setAll(server, to, wanted)
  if (wanted.grants !== null) await grantAll(server, database, { ...wanted, grants: wanted.grants })
  const has = await readProperties(server, to)
  if (comparable(has) !== comparable(wanted))
    throw new Fault('restore-failed', `"${to}" did not take all settings and grants of "${from}"`, {
      hint: 'nothing was changed; restore beside instead',
    })
}

async function readProperties(server: Session, database: string): Promise<Properties> {
  const [row] = await server.rows<Omit<Properties, 'grants' | 'settings'> & { closed: boolean }>(
    `SELECT pg_get_userbyid(datdba) AS owner, datconnlimit AS "connectionLimit", datacl IS NULL AS closed,
       shobj_description(oid, 'pg_database') AS comment
     FROM pg_database WHERE datname = $1`,
    [database],
  )
  const { closed: isUsual, ...plain } = row!
  const grants = await server.rows<Grant>(
    `SELECT pg_get_userbyid(g.grantor) AS grantor, CASE g.grantee WHEN 0 THEN NULL ELSE pg_get_userbyid(g.grantee) END AS grantee,
       g.privilege_type AS privilege, g.is_grantable AS "isGrantable"
     FROM pg_database d, aclexplode(d.datacl) WITH ORDINALITY g
     WHERE d.datname = $1 ORDER BY g.grantor <> d.datdba, g.ordinality`,
    [database],
  )
  const settings = await server.rows<Properties['settings'][number]>(
    `SELECT CASE s.setrole WHEN 0 THEN NULL ELSE pg_get_userbyid(s.setrole) END AS role, s.setconfig AS config
     FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = $1`,
    [database],
  )
  return { ...plain, grants: isUsual ? null : grants, settings }
}

async function setAll(server: Session, database: string, { settings }: Properties): Promise<void> {
  for (const { role, config } of settings)
    for (const entry of config) {
      const [name, value] = [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]
      const whose =
        role === null
          ? `ALTER DATABASE ${quoted(database)}`
          : `ALTER ROLE ${quoted(role)} IN DATABASE ${quoted(database)}`
      await server.rows(`${whose} SET ${quoted(name)} TO ${valueOf(name, value)}`)
    }
}

/** Settings that are lists of names; what is kept of them is the list as SQL, of all others the plain value.
 * https://github.com/postgres/postgres/blob/REL_15_STABLE/src/bin/pg_dump/dumputils.c (variable_is_guc_list_quote) */
const lists = [
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]

function valueOf(name: string, value: string): string {
  if (!lists.includes(name.toLowerCase())) return literal(value)
  const items = [...value.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)].map(
    ([, inQuotes, plain]) => inQuotes?.replaceAll('""', '"') ?? plain!,
  )
  return items.length === 0 ? "''" : items.map(literal).join(', ')
}

/** Each by whoever gave it, so that it can be taken back in the same way; the owner's first, on which the others rest. */
async function grantAll(
  server: Session,
  database: string,
  { owner, grants }: Properties & { grants: Grant[] },
): Promise<void> {
  await server.rows(`REVOKE ALL ON ${database} FROM PUBLIC`)
  await server.rows(`REVOKE ALL ON ${database} FROM ${quoted(owner)}`)
  for (const { grantor, grantee, privilege, isGrantable } of grants) {
    const to = `${grantee === null ? 'PUBLIC' : quoted(grantee)}${isGrantable ? ' WITH GRANT OPTION' : ''}`
    if (grantor !== owner) await server.rows(`SET LOCAL ROLE ${quoted(grantor)}`)
    await server.rows(`GRANT ${privilege} ON ${database} TO ${to}`)
    if (grantor !== owner) await server.rows('RESET ROLE')
  }
}

function comparable({ settings, grants, ...plain }: Properties): string {
  const sorted = (texts: string[]): string[] => texts.toSorted()
  return JSON.stringify([
    plain,
    grants && sorted(grants.map((grant) => JSON.stringify(grant))),
    sorted(settings.map(({ role, config }) => JSON.stringify([role, config]))),
  ])
}

/** Whatever the server's setting, a backslash in it is a backslash. */
function literal(text: string): string {
  const plain = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? `E${plain.replaceAll('\\', '\\\\')}` : plain
}
