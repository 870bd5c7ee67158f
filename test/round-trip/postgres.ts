import pg from 'pg'
import type { PostgresServer } from '../support/postgres.ts'
import type { Subject } from './round-trip.ts'

/** @param create  the options of CREATE DATABASE, such as an encoding */
export function postgresSubject(server: PostgresServer, database: string, create = ''): Subject {
  const quoted = pg.escapeIdentifier(database)
  return {
    settings: { database_url: urlOf(server, database) },
    target: database,
    content: () => contentOf(server, database),
    wipe: async () => {
      await server.query(`DROP DATABASE ${quoted}`)
      await server.query(`CREATE DATABASE ${quoted} ${create}`)
    },
  }
}

export async function createWith(server: PostgresServer, database: string, create = ''): Promise<void> {
  await server.query(`CREATE DATABASE ${pg.escapeIdentifier(database)} ${create}`)
}

function urlOf(server: PostgresServer, database: string): string {
  const url = new URL(server.url('x'))
  url.pathname = `/${encodeURIComponent(database)}`
  return url.href
}

/** Their order says nothing. */
const grants = (column: string): string =>
  `(SELECT string_agg(a::text, ',' ORDER BY a::text) FROM unnest(${column}) a)`

/** Catalogues whose rows people make, each with the definition that has to come back. `id` is what they are identified by. */
const catalogues: [catalogue: string, definition: string][] = [
  ['pg_namespace', grants('nspacl')],
  [
    'pg_class',
    `concat_ws(' ', relkind, relpersistence, ${grants('relacl')}, reloptions::text, relrowsecurity, relreplident,
       CASE relkind WHEN 'i' THEN pg_get_indexdef(oid) WHEN 'I' THEN pg_get_indexdef(oid)
         WHEN 'v' THEN pg_get_viewdef(oid) WHEN 'm' THEN pg_get_viewdef(oid) END,
       pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid),
       (SELECT string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
          attstorage, attstattarget, attcollation::regcollation, ${grants('attacl')}), ',' ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = o.oid AND attnum > 0 AND NOT attisdropped))`,
  ],
  ['pg_attrdef', 'pg_get_expr(adbin, adrelid)'],
  ['pg_constraint', 'pg_get_constraintdef(oid)'],
  [
    'pg_proc',
    `CASE WHEN prokind = 'a' THEN pg_get_function_arguments(oid) ELSE pg_get_functiondef(oid) END || coalesce(${grants('proacl')}, '')`,
  ],
  ['pg_trigger', 'pg_get_triggerdef(oid)'],
  ['pg_rewrite', 'pg_get_ruledef(oid)'],
  ['pg_policy', `concat_ws(' ', polcmd, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))`],
  [
    'pg_type',
    `concat_ws(' ', typtype, format_type(typbasetype, typtypmod), typdefault, typnotnull,
       (SELECT string_agg(quote_literal(enumlabel), ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = o.oid))`,
  ],
  ['pg_operator', 'oprname'],
  ['pg_cast', 'castcontext'],
  ['pg_collation', 'concat_ws(\' \', collcollate, collprovider)'],
  ['pg_extension', 'extname'],
  ['pg_event_trigger', 'concat_ws(\' \', evtevent, evtenabled, evttags::text)'],
  ['pg_publication', 'concat_ws(\' \', puballtables, pubinsert)'],
  ['pg_statistic_ext', 'pg_get_statisticsobjdef(oid)'],
  ['pg_ts_config', 'cfgname'],
] // prettier-ignore

const firstUserOid = 16_384 // FirstNormalObjectId of access/transam.h

/** Every object that people made, by its identity as PostgreSQL itself spells it, and every row. */
async function contentOf(server: PostgresServer, database: string): Promise<Record<string, string>> {
  const { port, superuser: user, password } = server
  const client = new pg.Client({ host: '127.0.0.1', port, user, password, database })
  await client.connect()
  try {
    const found: Record<string, string> = {}
    for (const [catalogue, definition] of catalogues)
      for (const { id, text } of await objects(client, catalogue, definition)) found[id] = text
    for (const table of await tables(client)) found[`rows of ${table}`] = await digest(client, table)
    return { ...found, ...(await rest(client)) }
  } finally {
    await client.end()
  }
}

/** Table rows of toast and of array types have no name of their own that would stay. */
async function objects(
  client: pg.Client,
  catalogue: string,
  definition: string,
): Promise<{ id: string; text: string }[]> {
  const { rows } = await client.query<{ id: string; text: string }>(
    `SELECT i.type || ' ' || i.identity || coalesce(': ' || obj_description(o.oid, '${catalogue}'), '') AS id,
       coalesce((${definition})::text, '') AS text
     FROM ${catalogue} o, LATERAL pg_identify_object('${catalogue}'::regclass, o.oid, 0) i
     WHERE o.oid >= ${firstUserOid} AND i.identity NOT LIKE 'pg_toast.%' AND i.identity NOT LIKE '%pg_toast\\_%'
       AND i.identity NOT LIKE '%RI_ConstraintTrigger%'`,
  )
  return rows
}

async function tables(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', nspname, relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'm') AND relispopulated AND nspname !~ '^pg_' AND nspname <> 'information_schema'`,
  )
  return rows.map(({ name }) => name)
}

/** The text of a row is exact, floats included; it is hashed row by row: one may have 100 MB. */
async function digest(client: pg.Client, table: string): Promise<string> {
  const { rows } = await client.query<{ digest: string }>(
    `SELECT count(*) || ' ' || coalesce(md5(string_agg(md5("the row"::text), '' ORDER BY md5("the row"::text))), '') AS digest
     FROM ONLY ${table} "the row"`,
  )
  return rows[0]!.digest
}

async function rest(client: pg.Client): Promise<Record<string, string>> {
  const one = async (sql: string): Promise<string> => String((await client.query(sql)).rows[0].value)
  const { rows: sequences } = await client.query<{ name: string; value: string }>(
    `SELECT format('%I.%I', schemaname, sequencename) AS name, concat_ws(' ', last_value, increment_by, max_value, cycle) AS value
     FROM pg_sequences`,
  )
  return {
    ...Object.fromEntries(sequences.map(({ name, value }) => [`sequence ${name}`, value])),
    'large objects': await one(
      `SELECT coalesce(md5(string_agg(loid || ' ' || pageno || ' ' || md5(data), ',' ORDER BY loid, pageno)), '') AS value FROM pg_largeobject`,
    ),
    'their comments': await one(
      `SELECT coalesce(string_agg(concat_ws(' ', oid, lomacl::text, obj_description(oid, 'pg_largeobject')), ',' ORDER BY oid), '') AS value
       FROM pg_largeobject_metadata`,
    ),
    encoding: await one(`SELECT current_setting('server_encoding') AS value`),
  }
}
