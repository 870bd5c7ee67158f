import { StringDecoder } from 'node:string_decoder'
import type { DumpInput } from './directory/folder.ts'
import { unquoted } from './names.ts'
import type { Program } from './programs.ts'

/** What a dump demands of the server before its rows come. */
export interface DumpedSchema {
  /** Encoding and locale as options of CREATE DATABASE; '' when the dump does not tell. */
  databaseOptions: string
  /** The database's own; null: the server's, or the dump does not tell. */
  tablespace: string | null
  owners: Set<string>
  /** Roles in GRANT, REVOKE and policies. */
  grantees: Set<string>
  extensions: Set<string>
  /** How many objects of each kind it makes, by pg_dump's names of kinds. */
  objects: Record<string, number>
}

export const noSchema = (): DumpedSchema => ({
  databaseOptions: '',
  tablespace: null,
  owners: new Set(),
  grantees: new Set(),
  extensions: new Set(),
  objects: {},
})

/** Reads the dump's definitions from its front. pg_restore stops there by itself, so whoever feeds it meets a closed pipe.
 * @param database  its name, for the database's own options; null: they are not asked for */
export async function readSchema(
  program: Program,
  { raw, database }: { raw: DumpInput; database: string | null },
): Promise<DumpedSchema> {
  const { schema, take } = schemaReader()
  // pg_restore refuses to write a name with line breaks
  const create = database === null || /[\r\n]/.test(database) ? [] : ['--create']
  const argv = [program.path, ...create, '--schema-only', '--file=-']
  await raw.intoProgram({ argv, readsEnough: true }, take)
  return schema
}

/** What a program says of a dump, whole: for its table of contents and its definitions, which lie at its front. */
export async function textOf(dump: DumpInput, argv: readonly string[]): Promise<string> {
  const chunks: Buffer[] = []
  const keep = (chunk: Buffer): void => void chunks.push(Buffer.from(chunk)) // a copy: the chunk is gone when we return
  await dump.intoProgram({ argv, readsEnough: true }, keep)
  return Buffer.concat(chunks).toString()
}

/** Takes the text that pg_dump and pg_restore write. */
export function schemaReader(): { schema: DumpedSchema; take: (chunk: Buffer) => void } {
  const schema = noSchema()
  const decoder = new StringDecoder()
  let rest = ''
  const take = (chunk: Buffer): void => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop()!
    for (const line of lines) readLine(line, schema)
  }
  return { schema, take }
}

const option = String.raw`(?:ENCODING|LOCALE_PROVIDER|LOCALE|LC_COLLATE|LC_CTYPE|ICU_LOCALE|ICU_RULES|BUILTIN_LOCALE) = (?:'(?:[^']|'')*'|\w+)`
const entryOwner = /^-- (?:Data for )?Name: .*; Owner: (.+?)(?:; Tablespace: .*)?$/
const entry = /^-- Name: (.*); Type: ([A-Z ]+); Schema: .*; Owner: /
const role = String.raw`("(?:[^"]|"")+"|[^\s";,]+)`
const createDatabase = new RegExp(
  String.raw`^CREATE DATABASE .* WITH TEMPLATE = template0((?: ${option})*)(?: TABLESPACE = ${role})?`,
)
const grant = new RegExp(
  String.raw`^(?:GRANT|REVOKE|ALTER DEFAULT PRIVILEGES) .* (?:TO|FROM) ${role}(?: WITH GRANT OPTION)?;$`,
)
const policy = new RegExp(String.raw`^CREATE POLICY .* TO ((?:${role}(?:, )?)+)`)

/** Lines inside function bodies may look alike: then ownership is left out once too often, never once too seldom. */
function readLine(line: string, schema: DumpedSchema): void {
  readEntry(line, schema)
  const owner = entryOwner.exec(line)?.[1]
  if (owner && owner !== '-') schema.owners.add(owner)
  const [, options, tablespace] = createDatabase.exec(line) ?? []
  if (options) schema.databaseOptions = options.trim()
  if (tablespace) schema.tablespace = unquoted(tablespace)
  const grantee = grant.exec(line)?.[1] ?? null
  if (grantee && grantee !== 'PUBLIC') schema.grantees.add(unquoted(grantee))
  const members = policy.exec(line)?.[1]?.match(new RegExp(role, 'g')) ?? []
  for (const member of members) if (member !== 'PUBLIC') schema.grantees.add(unquoted(member))
}

/** What is not made again alike: grants and subscriptions are left out of a drill, the database is another, large objects are rows. */
const uncounted = /^(?:DEFAULT )?ACL$|^DATABASE|^SUBSCRIPTION|^BLOB|^LARGE OBJECT| DATA$/
const uncountedNames = /^(?:DATABASE|LARGE OBJECT|SUBSCRIPTION) /

function readEntry(line: string, { objects, extensions }: DumpedSchema): void {
  const [, name, kind] = entry.exec(line) ?? []
  if (name === undefined || kind === undefined) return
  if (kind === 'EXTENSION') extensions.add(name)
  const isPublic = kind === 'SCHEMA' && name === 'public' // there from the start; dumped only when its owner is unusual
  if (!isPublic && !uncounted.test(kind) && !uncountedNames.test(name))
    objects[kind] = (objects[kind] ?? 0) + 1
}
