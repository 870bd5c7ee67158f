import { chooser, type Chooser } from './chooser.ts'

/** A schema with rows in it, as its random numbers make it; each statement is run on its own. */
export function randomSchema(random: () => number): string[] {
  const one = chooser(random)
  const schema: Schema = { one, statements: [], tables: [], views: [] }
  schema.statements.push(
    `PRAGMA encoding = '${one.of(['UTF-8', 'UTF-16le', 'UTF-16be'])}'`,
    `PRAGMA page_size = ${one.of([512, 4096, 65_536])}`,
    `PRAGMA auto_vacuum = ${one.of([0, 1, 2])}`,
    `PRAGMA journal_mode = ${one.of(['WAL', 'DELETE'])}`,
  )
  makeTable(schema)
  const parts = [makeTable, makeTable, makeTable, makeView, makeTrigger, makeIndex, makeOdd]
  for (let i = one.between(5, 25); i > 0; i--) one.of(parts)(schema)
  return schema.statements
}

interface Schema {
  one: Chooser
  statements: string[]
  tables: Table[]
  views: string[]
}

interface Table {
  name: string
  columns: string[]
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

function nameOf({ one, statements }: Schema, kind: string): string {
  return quoted(`${one.name(kind)} ${statements.length}`)
}

/** A value that a column of this type takes also in a strict table. */
function valueOf(one: Chooser, type: string): string {
  if (one.often(0.1)) return 'NULL'
  if (type === 'INT' || type === 'INTEGER') return one.of(['0', '-1', '9223372036854775807', String(one.between(-1e6, 1e6))])
  if (type === 'REAL') return one.of(['9e999', '-0.0', '1e-300', String(one.between(-9e6, 9e6) / 7)])
  if (type === 'BLOB') return `x'${Buffer.from(one.text()).toString('hex')}'`
  if (type === 'TEXT') return literal(one.text())
  return valueOf(one, one.of(['INT', 'REAL', 'BLOB', 'TEXT']))
} // prettier-ignore

const types = ['INT', 'REAL', 'TEXT', 'BLOB', 'ANY']

function makeTable(schema: Schema): void {
  const { one, statements, tables } = schema
  const name = nameOf(schema, 'table')
  const chosen = Array.from({ length: one.between(1, 12) }, (_, i) => ({
    column: quoted(`${one.name('column')} ${i}`),
    type: one.of(types),
    rule: one.of(['', '', '', 'COLLATE NOCASE', `DEFAULT ${literal('x')}`, 'CHECK (true)']),
  }))
  const parent = one.of([null, ...tables])
  const key = one.of(['', 'key INTEGER PRIMARY KEY', 'key INTEGER PRIMARY KEY AUTOINCREMENT', 'key TEXT PRIMARY KEY NOT NULL'])
  const columns = chosen.map(({ column, type, rule }) => `${column} ${type} ${rule}`)
  const generated = one.often(0.3) ? [`made TEXT AS (typeof(${chosen[0]!.column})) ${one.of(['STORED', 'VIRTUAL'])}`] : []
  const foreign = parent && key !== '' ? [`FOREIGN KEY (${chosen[0]!.column}) REFERENCES ${parent.name}`] : []
  const end = [one.of(['', 'STRICT']), key.includes('TEXT') ? one.of(['', 'WITHOUT ROWID']) : ''].filter((word) => word !== '')
  const body = [key, ...columns, ...generated, ...foreign].filter((part) => part !== '')
  statements.push(`CREATE TABLE ${name} (${body.join(', ')}) ${end.join(', ')}`)
  const into = [...(key === '' ? [] : ['key']), ...chosen.map(({ column }) => column)]
  const rows = Array.from({ length: one.of([0, 1, one.between(2, 150)]) }, (_, i) => [
    ...(key === '' ? [] : [key.includes('TEXT') ? literal(`${one.text()}${i}`) : String(i * 7 - 20)]),
    ...chosen.map(({ type }) => valueOf(one, type)),
  ])
  if (rows.length > 0) statements.push(`INSERT INTO ${name} (${into.join(', ')}) VALUES ${rows.map((row) => `(${row.join(', ')})`).join(', ')}`)
  if (one.often(0.2)) statements.push(`DELETE FROM ${name} WHERE rowid % 2 = 0`.replace('rowid % 2 = 0', end.includes('WITHOUT ROWID') ? `key > 'm'` : 'rowid % 2 = 0'))
  tables.push({ name, columns: chosen.map(({ column }) => column) })
} // prettier-ignore

function makeView(schema: Schema): void {
  const { one, statements, tables, views } = schema
  const from = one.of([...tables.map((table) => table.name), ...views])
  const name = nameOf(schema, 'view')
  statements.push(`CREATE VIEW ${name} AS SELECT count(*) AS n, ${literal(one.text())} AS said FROM ${from}`)
  views.push(name)
}

function makeTrigger(schema: Schema): void {
  const { one, statements, tables } = schema
  const event = `${one.of(['BEFORE', 'AFTER'])} ${one.of(['INSERT', 'UPDATE', 'DELETE'])}`
  const body = `SELECT ${literal(one.text())}; DELETE FROM ${one.of(tables).name} WHERE false;`
  statements.push(
    `CREATE TRIGGER ${nameOf(schema, 'trigger')} ${event} ON ${one.of(tables).name} BEGIN ${body} END`,
  )
}

function makeIndex(schema: Schema): void {
  const { one, statements, tables } = schema
  const table = one.of(tables)
  const column = one.of(table.columns)
  const over = one.of([
    column,
    `${column} DESC`,
    `typeof(${column})`,
    `${column} COLLATE NOCASE, ${table.columns[0]}`,
  ])
  const where = one.of(['', `WHERE ${column} IS NOT NULL`])
  statements.push(`CREATE INDEX ${nameOf(schema, 'index')} ON ${table.name} (${over}) ${where}`)
}

function makeOdd(schema: Schema): void {
  const { one, statements, tables } = schema
  const found = nameOf(schema, 'found')
  const choices = [
    [
      `CREATE VIRTUAL TABLE ${found} USING fts5(t)`,
      `INSERT INTO ${found} VALUES (${literal(one.text())}), ('words to find')`,
    ],
    [`CREATE VIRTUAL TABLE ${nameOf(schema, 'boxes')} USING rtree(id, a, b)`],
    [`PRAGMA user_version = ${one.between(0, 1e6)}`],
    [`ALTER TABLE ${one.of(tables).name} ADD COLUMN "late ${statements.length}" TEXT DEFAULT ${literal(one.text())}`],
    ['ANALYZE'],
  ] // prettier-ignore
  statements.push(...one.of(choices))
}
