import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../core/faults.ts'
import type { TargetRequest } from '../source.ts'
import type { DumpInput } from './directory/folder.ts'
import { tableName } from './names.ts'
import type { Place } from './place.ts'
import type { Program } from './programs.ts'
import { textOf } from './schema.ts'

/** An entry of the dump's table of contents, as pg_restore writes it above its statements. */
interface Entry {
  type: string
  schema: string
  name: string
  owner: string
  body: string
}

/** Types that only make sense with the rest of the database. */
const foreign = ['FK CONSTRAINT', 'TRIGGER', 'RULE', 'POLICY', 'ROW SECURITY', 'PUBLICATION TABLE']

/** What a person should know of some tables, before and afterwards. */
export function leftOut({ tables }: TargetRequest): string[] {
  return tables?.length
    ? [
        'foreign keys, triggers and policies of the chosen tables are left out, and so are rules, rights on columns and extended statistics; types and functions that they use are not brought along',
      ]
    : []
}

/** Writes the list of entries that make up some tables: definition, rows, defaults, own sequences, keys and indexes.
 * `pg_restore --table` alone would leave out keys, indexes and sequences.
 * @returns its path, for `--use-list`
 * @throws Fault target-invalid naming the tables that the dump does not hold */
export async function listTables(
  place: Place,
  dump: { program: Program; raw: DumpInput; tables: readonly string[] },
): Promise<string> {
  const { program, raw, tables } = dump
  const entries = parseEntries(await textOf(raw, [program.path, '--schema-only', '--file=-']))
  const found = entries.filter(
    ({ type, schema, name }) => type === 'TABLE' && tables.includes(tableName(schema, name)),
  )
  const missing = tables.filter(
    (wanted) => !found.some(({ schema, name }) => tableName(schema, name) === wanted),
  )
  if (missing.length > 0)
    throw new Fault('target-invalid', `the backup holds no table ${missing.join(', ')}`, {
      hint: 'write tables as schema.table, as they stand in the manifest',
    })
  const wanted = new Set(found.flatMap((table) => linesOf(table, entries)))
  const contents = await textOf(raw, [program.path, '--list'])
  const chosen = contents.split('\n').filter((line) => wanted.has(line.replace(/^\d+; \d+ \d+ /, '')))
  const path = join(place.context.folder, 'tables.list')
  await writeFile(path, `${chosen.join('\n')}\n`, { mode: 0o600 })
  return path
}

const header =
  /^-- (?:Data for )?Name: (.*); Type: ([A-Z ]+); Schema: (.*); Owner: (.*?)(?:; Tablespace: .*)?$/

function parseEntries(sql: string): Entry[] {
  const entries: Entry[] = []
  for (const line of sql.split('\n')) {
    const [, name, type, schema, owner] = header.exec(line) ?? []
    if (name !== undefined) entries.push({ name, type: type!, schema: schema!, owner: owner!, body: '' })
    else if (!line.startsWith('--') && entries.length > 0) entries.at(-1)!.body += `${line}\n`
  }
  return entries
}

/** One table's lines of the table of contents, without their numbers. */
function linesOf(table: Entry, entries: readonly Entry[]): string[] {
  const written = /^CREATE (?:UNLOGGED )?TABLE (.+?) (?:\(|PARTITION OF)/m.exec(table.body)?.[1]
  if (!written) return [lineOf(table)]
  const own = entries.filter((entry) => !foreign.includes(entry.type) && isOf(entry, written))
  const sequences = own.filter(({ type }) => type === 'SEQUENCE OWNED BY' || type === 'SEQUENCE')
  return [
    ...entries.filter(({ type, name }) => type === 'SCHEMA' && name === table.schema).map(lineOf),
    lineOf(table),
    lineOf({ ...table, type: 'TABLE DATA' }),
    ...own.map(lineOf),
    ...sequences.flatMap((entry) => [
      lineOf({ ...entry, type: 'SEQUENCE' }),
      lineOf({ ...entry, type: 'SEQUENCE SET' }),
    ]),
    lineOf({ ...table, type: 'ACL', name: `TABLE ${table.name}` }),
  ]
}

/** @param table as pg_dump writes it in SQL */
function isOf({ body }: Entry, table: string): boolean {
  const text = body.trim()
  return (
    [`ALTER TABLE ONLY ${table}`, `ALTER TABLE ${table}`, `COMMENT ON TABLE ${table}`].some((start) =>
      new RegExp(`^${RegExp.escape(start)}\\s`).test(text),
    ) ||
    text.startsWith(`COMMENT ON COLUMN ${table}.`) ||
    text.includes(` OWNED BY ${table}.`) ||
    new RegExp(`^CREATE (?:UNIQUE )?INDEX .+? ON (?:ONLY )?${RegExp.escape(table)} USING `).test(text)
  )
}

function lineOf({ type, schema, name, owner }: Entry): string {
  return `${type} ${schema} ${name} ${owner}`
}
