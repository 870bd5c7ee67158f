import type { Version } from './flavour.ts'
import { quoted } from './names.ts'
import type { Session } from './session.ts'

/** What a user may do, as the server lists it; with the rights of active roles where it lists those. */
export interface Rights {
  /** On the whole server. */
  everywhere(right: string): boolean
  /** On everything in one database, or on one table of it. */
  on(right: string, database: string, table?: string): boolean
}

interface Grant {
  rights: Set<string>
  /** null: the whole server; else a pattern as of LIKE. */
  scope: string | null
  /** null: all of the database. */
  table: string | null
}

export async function readRights(session: Session): Promise<Rights> {
  const rows = await session.rows<Record<string, string>>('SHOW GRANTS')
  const grants = rows.flatMap((row) => parse(Object.values(row)[0] ?? ''))
  const revoked = rows.flatMap((row) => parse(Object.values(row)[0] ?? '', 'REVOKE')) // MySQL: partial_revokes
  const has = ({ rights }: Grant, right: string): boolean => rights.has('ALL PRIVILEGES') || rights.has(right)
  const everywhere = (right: string): boolean =>
    grants.some((grant) => grant.scope === null && has(grant, right))
  return {
    everywhere,
    on: (right, database, table) =>
      (everywhere(right) && !revoked.some((grant) => has(grant, right) && grant.scope === database)) ||
      grants.some((grant) => {
        if (grant.scope === null || !has(grant, right)) return false
        return grant.table === null
          ? fits(grant.scope, database)
          : grant.table === table && grant.scope === database
      }),
  }
}

/** `GRANT SELECT, SHOW VIEW ON *.* TO …`, ``… ON `shop\_%`.* TO …`` or ``… ON `shop`.`t` TO …``. */
function parse(text: string, verb: 'GRANT' | 'REVOKE' = 'GRANT'): Grant[] {
  const found = /^(\w+) (.+?) ON (?:\*|`((?:[^`]|``)*)`)\.(?:\*|`((?:[^`]|``)*)`) (?:TO|FROM) /.exec(text)
  if (found?.[1] !== verb) return []
  const rights = new Set(found[2]!.toUpperCase().split(/,\s*/))
  const [scope = null, table = null] = [found[3], found[4]].map((name) => name?.replaceAll('``', '`'))
  return [{ rights, scope, table }]
}

function fits(pattern: string, name: string): boolean {
  const source = pattern.replace(
    /\\([_%])|([_%])|([^\w\s])/g,
    (_, escaped, wild, other) => escaped ?? (wild ? (wild === '%' ? '[^]*' : '[^]') : `\\${other}`),
  )
  return new RegExp(`^${source}$`, 'iu').test(name)
}

const showRoutineSince = 800 // MySQL 8.0.20: bodies of routines are in no table any more

/** What an account needs that dumps, as a line to type. SECURITY.md says the same, and a test runs that.
 * @param version  of the server; null: unknown */
export function grantsToRead(
  { user, database }: { user: string; database: string },
  version: Version | null = null,
): string {
  const to = `TO '${user}'@'…';`
  const read = `GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON ${quoted(database)}.* ${to}`
  const [ofTable, ofRight] = [`GRANT SELECT ON mysql.proc ${to}`, `GRANT SHOW_ROUTINE ON *.* ${to}`]
  if (version === null) return `${read} ${ofTable} (MySQL 8 and newer, instead of the last: ${ofRight})`
  const isNewMysql = version.flavour === 'MySQL' && version.number >= showRoutineSince
  return `${read} ${isNewMysql ? ofRight : ofTable}`
}

export function noRight(user: string, database: string): string {
  return `user "${user}" may not create database "${database}": GRANT ALL ON ${quoted(database.replace(/\d{8}_\d{6}$/, '%'))}.* TO '${user}'@'…'; or give restore.database_url of a user who may`
}

/** What lets others make functions and triggers on a server with a binary log. */
export const trustCreators =
  'SET GLOBAL log_bin_trust_function_creators = 1; (or restore as a user with SUPER)'
