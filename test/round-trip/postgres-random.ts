import pg from 'pg'
import { chooser, type Chooser } from './chooser.ts'

/** A schema with rows in it, as its random numbers make it; each statement is run on its own. */
export function randomSchema(random: () => number): string[] {
  const one = chooser(random)
  const schema: Schema = { one, statements: [], tables: [], views: [], types: [...plainTypes] }
  const parts = [makeType, makeTable, makeTable, makeTable, makeView, makeCode, makeIndex, makeOdd]
  makeTable(schema)
  for (let i = one.between(5, 25); i > 0; i--) one.of(parts)(schema)
  return schema.statements
}

interface Schema {
  one: Chooser
  statements: string[]
  tables: Table[]
  views: string[]
  types: Type[]
}

interface Table {
  name: string
  columns: string[]
  /** Values of its key; null: it has none. */
  keys: number[] | null
}

interface Type {
  name: string
  /** SQL of a value. */
  value(one: Chooser): string
  /** It can be compared, and so be part of an index. */
  ordered: boolean
}

const text = (one: Chooser): string => pg.escapeLiteral(one.text())
const number = (one: Chooser): string => String(one.of([0, -1, 1, one.between(-32_768, 32_767)]))
const float = (one: Chooser): string =>
  one.of([`'NaN'`, `'Infinity'`, `'-0'`, '1e-30', String(one.between(-9e6, 9e6) / 7)])
const instant = (one: Chooser): string =>
  one.of([
    `'infinity'`,
    `'0044-03-15 BC'`,
    `'2026-10-25 02:30:00+02'`,
    `to_timestamp(${one.between(0, 4e9)})::text::timestamptz::text`,
  ])
const bytes = (one: Chooser): string => `'\\x${Buffer.from(one.text()).toString('hex')}'`

const plainTypes: Type[] = [
  ...['smallint', 'integer', 'bigint', 'numeric', 'numeric(12,2)', 'real'].map((name) => ({ name, value: number, ordered: true })),
  ...['double precision', 'real', 'numeric'].map((name) => ({
    name,
    value: (one: Chooser) => (name === 'double precision' ? float(one) : number(one)),
    ordered: true,
  })),
  ...['text', 'varchar', 'char(90)', 'text COLLATE "C"'].map((name) => ({ name, value: text, ordered: true })),
  ...['date', 'timestamp', 'timestamptz'].map((name) => ({ name, value: (one: Chooser) => `${instant(one)}::text::${name}`, ordered: true })),
  { name: 'boolean', value: (one) => one.of(['true', 'false']), ordered: true },
  { name: 'bytea', value: bytes, ordered: true },
  { name: 'interval', value: (one) => `'${one.between(-999, 999)} mon ${one.between(-99, 99)} day 0.000001 s'`, ordered: true },
  { name: 'uuid', value: (one) => `md5(${text(one)})::uuid`, ordered: true },
  { name: 'jsonb', value: (one) => pg.escapeLiteral(JSON.stringify({ [one.text()]: [one.text(), null, one.between(0, 9)] })), ordered: false },
  { name: 'json', value: (one) => pg.escapeLiteral(` {"a":${JSON.stringify(one.text())} , "a": 1}`), ordered: false },
  { name: 'text[]', value: (one) => `ARRAY[${text(one)}, NULL, ${text(one)}]`, ordered: false },
  { name: 'int4range', value: (one) => `int4range(${one.between(-9, 0)}, ${one.between(1, 9)}, '(]')`, ordered: false },
  { name: 'inet', value: (one) => `'10.${one.between(0, 255)}.0.1/${one.between(8, 32)}'`, ordered: true },
  { name: 'point', value: (one) => `point(${one.between(-9, 9)}, 'NaN')`, ordered: false },
  { name: 'bit varying', value: (one) => `B'${'01'.repeat(one.between(0, 9))}'`, ordered: false },
] // prettier-ignore

function nameOf({ one, statements }: Schema, kind: string): string {
  return pg.escapeIdentifier(`${one.name(kind)} ${statements.length}`)
}

function makeType(schema: Schema): void {
  const { one, statements, types } = schema
  const name = nameOf(schema, 'type')
  const labels = Array.from({ length: one.between(1, 5) }, (_, i) =>
    pg.escapeLiteral(`${one.name('label')}${i}`),
  )
  const made = one.of<Type & { sql: string }>([
    { name, sql: `AS ENUM (${labels.join(', ')})`, value: () => labels[0]!, ordered: true },
    {
      name,
      sql: `AS (a int, "b c" text)`,
      value: () => `ROW(${number(one)}, ${text(one)})::${name}`,
      ordered: false,
    },
    { name, sql: '', value: number, ordered: true },
  ])
  if (made.sql === '')
    statements.push(
      `CREATE DOMAIN ${name} AS integer CHECK (VALUE BETWEEN -32768 AND 32767) ${one.of(['', 'DEFAULT 5'])}`,
    )
  else statements.push(`CREATE TYPE ${name} ${made.sql}`)
  types.push(made)
}

function makeTable(schema: Schema): void {
  const { one, statements, tables, types } = schema
  const name = nameOf(schema, 'table')
  const keyed = one.often(0.7)
  const chosen = Array.from({ length: one.between(0, 9) }, (_, i) => ({
    column: pg.escapeIdentifier(`${one.name('column')} ${i}`),
    type: one.of(types),
    rule: one.of(['', '', '', 'NOT NULL', 'CHECK (true)']),
  }))
  const columns = chosen.map(({ column, type, rule }) => `${column} ${type.name} ${rule}`)
  const parent = one.of([null, ...tables.filter(({ keys }) => (keys?.length ?? 0) > 0)])
  if (parent) columns.push(`parent int REFERENCES ${parent.name}`)
  if (one.often(0.2)) columns.push('doubled int GENERATED ALWAYS AS (2 * 21) STORED')
  const key = keyed ? [`key int ${one.of(['PRIMARY KEY', 'UNIQUE NOT NULL'])}`.replace('UNIQUE NOT NULL', 'PRIMARY KEY')] : []
  const partitioned = keyed && one.often(0.2)
  statements.push(`CREATE ${one.of(['', '', '', 'UNLOGGED '])}TABLE ${name} (${[...key, ...columns].join(', ')})`)
  if (partitioned) partition(schema)
  const keys = Array.from({ length: one.of([0, 1, one.between(2, 120)]) }, (_, i) => i)
  const rows = keys.map((i) => [
    ...(keyed ? [String(i)] : []),
    ...chosen.map(({ type, rule }) => (rule !== 'NOT NULL' && one.often(0.1) ? 'NULL' : type.value(one))),
    ...(parent ? [one.of(['NULL', String(one.of(parent.keys!))])] : []),
  ])
  const into = [...(keyed ? ['key'] : []), ...chosen.map(({ column }) => column), ...(parent ? ['parent'] : [])]
  if (into.length > 0 && rows.length > 0)
    statements.push(`INSERT INTO ${name} (${into.join(', ')}) VALUES ${rows.map((row) => `(${row.join(', ')})`).join(', ')}`)
  const unlogged = statements.some((sql) => sql.startsWith(`CREATE UNLOGGED TABLE ${name} `))
  tables.push({ name, columns: chosen.filter(({ type }) => type.ordered).map(({ column }) => column), keys: keyed && !unlogged ? keys : null })
} // prettier-ignore

function partition(schema: Schema): void {
  const { one, statements } = schema
  const name = nameOf(schema, 'parts')
  const edges = [0, one.between(1, 50), one.between(51, 99), 200]
  statements.push(`CREATE TABLE ${name} (at int, "t t" text) PARTITION BY RANGE (at)`)
  for (const [i, to] of edges.slice(1).entries())
    statements.push(
      `CREATE TABLE ${nameOf(schema, 'part')} PARTITION OF ${name} FOR VALUES FROM (${edges[i]}) TO (${to})`,
    )
  statements.push(`INSERT INTO ${name} SELECT i, md5(i::text) FROM generate_series(0, 199) i`)
}

function makeView(schema: Schema): void {
  const { one, statements, tables, views } = schema
  const from = one.of([...tables.map((table) => table.name), ...views])
  const name = nameOf(schema, 'view')
  const kind = one.of(['VIEW', 'VIEW', 'MATERIALIZED VIEW'])
  statements.push(
    `CREATE ${kind} ${name} AS SELECT count(*) AS n, ${text(one)}::text AS "said ${views.length}" FROM ${from}`,
  )
  views.push(name)
}

function makeCode(schema: Schema): void {
  const { one, statements, tables } = schema
  const name = nameOf(schema, 'f')
  const table = one.of(tables)
  statements.push(
    `CREATE FUNCTION ${name}() RETURNS trigger LANGUAGE plpgsql AS ${pg.escapeLiteral(`BEGIN PERFORM ${text(one)}; RETURN NEW; END`)}`,
    `CREATE TRIGGER ${nameOf(schema, 'trigger')} ${one.of(['BEFORE', 'AFTER'])} ${one.of(['INSERT', 'UPDATE OR DELETE'])} ON ${table.name}
       FOR EACH ${one.of(['ROW', 'STATEMENT'])} EXECUTE FUNCTION ${name}()`,
  )
}

function makeIndex(schema: Schema): void {
  const { one, statements, tables } = schema
  const table = one.of(tables)
  if (table.columns.length === 0) return
  const column = one.of(table.columns)
  const where = one.of(['', `WHERE ${column} IS NOT NULL`])
  statements.push(`CREATE INDEX ${nameOf(schema, 'index')} ON ${table.name} (${column} DESC NULLS FIRST) ${where}`)
} // prettier-ignore

function makeOdd(schema: Schema): void {
  const { one, statements, tables } = schema
  const table = one.of(tables)
  statements.push(
    one.of([
      `CREATE SEQUENCE ${nameOf(schema, 'seq')} INCREMENT ${one.of([-7, 3])} ${one.of(['CYCLE', ''])}`,
      `COMMENT ON TABLE ${table.name} IS ${text(one)}`,
      `CREATE SCHEMA ${nameOf(schema, 'schema')}`,
      `SELECT lo_from_bytea(0, ${bytes(one)})`,
      `ALTER TABLE ${table.name} ENABLE ROW LEVEL SECURITY`,
      `GRANT SELECT ON ${table.name} TO PUBLIC`,
      `ALTER TABLE ${table.name} ADD COLUMN "late ${statements.length}" text DEFAULT ${text(one)}`,
      `CREATE RULE ${nameOf(schema, 'rule')} AS ON UPDATE TO ${table.name} DO ALSO NOTHING`,
    ]),
  )
}
