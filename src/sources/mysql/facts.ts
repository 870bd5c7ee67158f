import type { Version } from './flavour.ts'
import { markName } from './names.ts'
import type { Session } from './session.ts'

export interface Facts {
  version: Version
  encrypted: boolean
  collation: string
  sizeBytes: number
  hasTables: boolean
  /** Tables and views. */
  relations: Relation[]
  /** The mark of a restore that never ended stands in it. */
  hasMark: boolean
  isVersioned: boolean
  hasEvents: boolean
  /** One with two semicolons in a row; null: none. */
  endlessEvent: string | null
  /** Triggers and events that end with a semicolon, which no client can load from a dump. */
  strays: string[]
  /** Columns whose values the server itself writes with six digits. */
  floats: string[]
  /** Tables that show rows of other tables or servers. */
  windows: string[]
  /** Of engines that take no part in transactions, by engine. */
  outside: Map<string, string[]>
}

export interface Relation {
  name: string
  type: string
  engine: string | null
  transactions: string | null
  size: string | number | null
}

export async function readFacts(session: Session): Promise<Facts> {
  const all = await session.rows<Relation>(
    `SELECT t.TABLE_NAME AS name, t.TABLE_TYPE AS type, t.ENGINE AS engine, e.TRANSACTIONS AS transactions,
       t.DATA_LENGTH + t.INDEX_LENGTH AS size
     FROM information_schema.TABLES t LEFT JOIN information_schema.ENGINES e ON e.ENGINE = t.ENGINE
     WHERE t.TABLE_SCHEMA = DATABASE() ORDER BY t.TABLE_NAME`,
  )
  const relations = all.filter(({ name }) => name !== markName)
  const [schema] = await session.rows<{ collation: string }>(
    'SELECT DEFAULT_COLLATION_NAME AS collation FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()',
  )
  const events = await session.rows<{ name: string; endless: number }>(
    `SELECT EVENT_NAME AS name, CONCAT(EVENT_NAME, EVENT_DEFINITION, EVENT_COMMENT) LIKE '%;;%' AS endless
     FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE()`,
  )
  const floats = await session.rows<{ name: string }>(
    `SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) AS name FROM information_schema.COLUMNS
     WHERE TABLE_SCHEMA = DATABASE() AND DATA_TYPE = 'float' ORDER BY 1`,
  )
  const strays = await session.rows<{ name: string }>(
    `SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS
     WHERE TRIGGER_SCHEMA = DATABASE() AND ACTION_STATEMENT REGEXP ';[[:space:]]*$'
     UNION ALL SELECT EVENT_NAME FROM information_schema.EVENTS
     WHERE EVENT_SCHEMA = DATABASE() AND EVENT_DEFINITION REGEXP ';[[:space:]]*$' ORDER BY 1`,
  )
  const tables = relations.filter(({ type }) => isTable(type))
  const outside = Map.groupBy(
    tables.filter(
      ({ engine, transactions }) => engine !== null && transactions !== 'YES' && !isWindow(engine),
    ),
    ({ engine }) => engine!,
  )
  return {
    version: session.version,
    encrypted: session.encrypted,
    collation: schema!.collation,
    sizeBytes: relations.reduce((sum, { size }) => sum + Number(size ?? 0), 0),
    hasTables: tables.length > 0,
    relations,
    hasMark: relations.length < all.length,
    isVersioned: relations.some(({ type }) => type === 'SYSTEM VERSIONED'),
    hasEvents: events.length > 0,
    endlessEvent: events.find(({ endless: isEndless }) => Number(isEndless) === 1)?.name ?? null,
    strays: strays.map(({ name }) => name),
    floats: floats.map(({ name }) => name),
    windows: tables.filter(({ engine }) => isWindow(engine)).map(({ name }) => name),
    outside: new Map([...outside].map(([engine, of]) => [engine, of.map(({ name }) => name)])),
  }
}

/** Views and sequences are in the same list. */
export function isTable(type: string): boolean {
  return type === 'BASE TABLE' || type === 'SYSTEM VERSIONED'
}

/** Their rows are somewhere else, so the dump programs write none of them.
 * https://github.com/MariaDB/server/blob/mariadb-10.11.8/client/mysqldump.c (check_if_ignore_table) */
export function isWindow(engine: string | null): boolean {
  return /^(?:MRG_MyISAM|MRG_ISAM|FEDERATED|CONNECT|OQGRAPH|SPIDER|VP)$/i.test(engine ?? '')
}
