import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { postgres } from '../../../../src/sources/postgres/index.ts'
import { createTarReader } from '../../../../src/sources/postgres/directory/tar-reader.ts'
import {
  archiveEnd,
  memberHeader,
  padding,
  type Header,
} from '../../../../src/sources/postgres/directory/tar.ts'
import { openBench, plainFiles, type Bench } from '../../../contracts/source.ts'
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts'
import { contentOf } from '../databases.ts'

const never = new AbortController().signal
let server: PostgresServer
let made = 0

before(async () => void (server = await startPostgres()))
after(() => server.close())

interface Member {
  header: Header
  content: Buffer
}

const sql = `
  CREATE TABLE small (id int); INSERT INTO small SELECT generate_series(1, 3);
  CREATE TABLE large (id int, text text); INSERT INTO large SELECT n, repeat('x', 100) FROM generate_series(1, 5000) n;
  CREATE TABLE medium (id int); INSERT INTO medium SELECT generate_series(1, 5000);
  SELECT lo_from_bytea(0, 'one'::bytea), lo_from_bytea(0, 'two'::bytea);
  ANALYZE`

/** A dump of a small database, and a way to prove changed ones. */
async function dumped(t: TestContext): Promise<Dumped> {
  const database = `shop_${++made}`
  await server.createDatabase(database)
  await server.query(sql, database)
  const facts = { driver: postgres, options: { jobs: 2 } }
  const b = await openBench(t, { facts, url: server.url(database) })
  await b.backUp()
  const members = membersOf(readFileSync(join(b.out, b.artifact())))
  const prove: Prove = async (changed) => {
    const path = join(b.out, 'changed.tar')
    await writeFile(path, Array.isArray(changed) ? archiveOf(changed) : changed)
    return b.source.prove('changed.tar', plainFiles.input(path, b.processes, b.running), never)
  }
  return { ...b, members, database, prove }
}

interface Dumped extends Omit<Bench, 'prove'> {
  members: Member[]
  database: string
  prove: Prove
}

type Prove = (changed: Member[] | Buffer) => Promise<{ tables: { name: string; rows: number }[] }>

function membersOf(archive: Buffer): Member[] {
  const members: Member[] = []
  const reader = createTarReader((header) => {
    const member = { header, content: Buffer.alloc(0) }
    members.push(member)
    return {
      take: (chunk) => void (member.content = Buffer.concat([member.content, chunk])),
      end: () => undefined,
    }
  })
  reader.take(archive)
  reader.end()
  return members
}

function archiveOf(members: Member[]): Buffer {
  const blocks = members.flatMap(({ header, content }) => [
    memberHeader({ name: header.name, size: content.length }, header),
    content,
    padding(content.length),
  ])
  return Buffer.concat([...blocks, archiveEnd])
}

const tables = [
  { name: 'public.large', rows: 5_000 },
  { name: 'public.medium', rows: 5_000 },
  { name: 'public.small', rows: 3 },
]
const refused = (message: RegExp) => ({ code: 'proof-failed', message })
const isRows = ({ header }: Member): boolean => /\/\d+\.dat$/.test(header.name)
const isObject = ({ header }: Member): boolean => /\/blob_\d+\.dat$/.test(header.name)

suite('a dump of several tables at a time', () => {
  test('begins with the table of contents, in a folder of its own', async (t) => {
    const { members } = await dumped(t)
    assert.match(members[0]!.header.name, /^shop_\d+\.dir\/toc\.dat$/)
    assert.equal(members.filter(isRows).length, 3)
  })

  test('whose files come in any other order is the same dump', async (t) => {
    const { members, prove } = await dumped(t)
    assert.deepEqual((await prove(members.toReversed())).tables, tables)
  })

  test('is refused without any one of its files', async (t) => {
    const { members, prove } = await dumped(t)
    for (const [at, { header }] of members.entries())
      await assert.rejects(prove(members.toSpliced(at, 1)), refused(/missing/), header.name)
  })

  test('is refused when the rows of a table stop, or go on behind their end', async (t) => {
    const { members, prove } = await dumped(t)
    const at = members.findIndex((member) => isRows(member) && member.content.length > 20_000)
    const { header, content } = members[at]!
    for (const length of [0, 1, 1_000, content.length - 6, content.length - 3])
      await assert.rejects(
        prove(members.with(at, { header, content: content.subarray(0, length) })),
        refused(/incomplete/),
        `${length}`,
      )
    const longer = Buffer.concat([content, Buffer.from('7\tseven\n')])
    await assert.rejects(prove(members.with(at, { header, content: longer })), refused(/incomplete/))
  })

  test('is refused with a file of another dump, an unknown file, or one twice', async (t) => {
    const { members, prove } = await dumped(t)
    const other = (await dumped(t)).members
    const at = members.findIndex(isRows)
    const { content } = members[at]!
    const theirs = other.find((member) => isRows(member) && member.header.name.endsWith(name(members[at]!)))!
    await assert.rejects(prove(members.with(at, theirs)), refused(/of another dump/))
    const unknown = { header: { ...members[0]!.header, name: 'shop.dir/999999.dat' }, content }
    await assert.rejects(prove([...members, unknown]), refused(/knows no 999999\.dat/))
    await assert.rejects(prove([...members, members[at]!]), refused(/twice/))
  })

  test('holds large objects, and is refused when its list names one that is not there', async (t) => {
    const { members, prove } = await dumped(t)
    assert.equal(members.filter(isObject).length, 2)
    await assert.rejects(prove(members.filter((member) => !isObject(member))), refused(/large object/))
  })

  test('made by hand with the tar format of pg_dump is taken as well', async (t) => {
    const { database, prove } = await dumped(t)
    const env = { ...process.env, PGPASSWORD: server.password }
    const where = ['-h', '127.0.0.1', '-p', String(server.port), '-U', server.superuser]
    const archive = execFileSync('pg_dump', [...where, '-Ft', database], { env, maxBuffer: 2 ** 26 })
    const sniffed = postgres.sniff(archive.subarray(0, 65_536))
    assert.equal(sniffed?.format, 'directory')
    assert.equal(sniffed.database, database)
    assert.deepEqual((await prove(archive)).tables, tables)
  })
})

suite('the restore of such a dump', () => {
  test('takes some tables alone, or overwrites what is there all or nothing', async (t) => {
    const b = await dumped(t)
    const backup = { ...(await manifestOf(b)), tables }
    const ask = { url: null, stamp: '20261120_060000', noOwner: false }
    const some = { ...backup, tables: tables.slice(1) }
    const chosen = tables.slice(1).map(({ name }) => name)
    await b.restore(some, { ...ask, database: `some_${made}`, tables: chosen })
    assert.deepEqual(await tablesIn(`some_${made}`), ['medium', 'small'])

    await server.query('DELETE FROM large; INSERT INTO small VALUES (7)', b.database)
    const before = await contentOf(server, b.database)
    await assert.rejects(
      b.restore(
        { ...backup, tables: [{ name: 'public.small', rows: 9 }] },
        { ...ask, database: b.database, clean: true },
      ),
    )
    assert.equal(await contentOf(server, b.database), before)
    await b.restore(backup, { ...ask, database: b.database, clean: true })
    const [row] = await server.query(
      'SELECT (SELECT count(*) FROM large)::int AS l, (SELECT count(*) FROM small)::int AS s',
      b.database,
    )
    assert.deepEqual(row, { l: 5_000, s: 3 })
  })

  test('says from the first bytes alone which roles are missing', async (t) => {
    const b = await dumped(t)
    const { members } = b
    const toc = archiveOf(members).subarray(0, 512 + members[0]!.content.length + 700)
    const path = join(b.out, 'front')
    for (const [bytes, known] of [
      [toc, true],
      [toc.subarray(0, 900), false],
    ] as const) {
      await writeFile(path, bytes)
      const front = plainFiles.input(path, b.processes, b.running)
      const ask = { database: null, url: null, stamp: '20261120_060000', noOwner: false }
      const plan = await b.source.plan(await manifestOf(b), ask, never, front)
      assert.deepEqual(plan.blockers, [])
      assert.equal(
        plan.warnings.some((text) => text.includes('unknown')),
        !known,
      )
    }
  })
})

async function manifestOf(b: Dumped): ReturnType<Bench['backUp']> {
  const inspection = await b.source.inspect(b.series, never)
  assert.equal(inspection.format, 'directory')
  const name = b.artifact()
  const stored = { name, key: name, rawBytes: null, storedBytes: 0, sha256: '', filters: [] }
  return { id: 'shop-1', ...inspection, tables, artifacts: [stored] } as unknown as Awaited<
    ReturnType<Bench['backUp']>
  >
}

function name({ header }: Member): string {
  return header.name.split('/').at(-1)!
}

async function tablesIn(database: string): Promise<unknown[]> {
  const rows = await server.query(
    `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
    database,
  )
  return rows.map(({ tablename }) => tablename)
}
