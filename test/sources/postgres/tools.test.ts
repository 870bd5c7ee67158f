import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { createPostgres, postgres } from '../../../src/sources/postgres/index.ts'
import { openBench, temporary, type Bench } from '../../contracts/source.ts'
import { startPostgres, type PostgresServer } from '../../support/postgres.ts'

const never = new AbortController().signal
let server: PostgresServer

before(async () => {
  server = await startPostgres()
  await server.createDatabase('shop')
  await server.query(`CREATE TABLE orders AS SELECT i, md5(i::text) FROM generate_series(1, 20000) i`, 'shop')
})
after(() => server.close())

const real = (tool: string): string => `/usr/lib/postgresql/${server.version}/bin/${tool}`

/** A client program that says this version, and does this instead. */
function stub(folder: string, tool: string, { version, script }: { version: string; script: string }): void {
  const path = join(folder, tool)
  const text = `#!/bin/sh\nif [ "$1" = --version ]; then echo "${tool} (PostgreSQL) ${version}"; exit; fi\n${script}\n`
  writeFileSync(path, text)
  chmodSync(path, 0o755)
}

/** The stubs in `versions/<major>/` are all that is installed. */
async function onlyInstalled(t: TestContext, majors: number[]): Promise<Bench> {
  const folder = await temporary(t)
  for (const major of majors) {
    mkdirSync(join(folder, String(major)))
    for (const tool of ['pg_dump', 'pg_restore'])
      stub(join(folder, String(major)), tool, { version: `${major}.4`, script: `exec ${real(tool)} "$@"` })
  }
  return openBench(t, {
    facts: { driver: createPostgres([join(folder, '*')]) },
    url: server.url('shop'),
    environment: { PATH: '/usr/bin/nowhere' },
  })
}

/** This pg_dump stands before the real one. */
async function onPath(t: TestContext, script: string): Promise<Bench> {
  const folder = await temporary(t)
  stub(folder, 'pg_dump', { version: `${server.version}.99`, script })
  return openBench(t, {
    facts: { driver: postgres },
    url: server.url('shop'),
    environment: { PATH: `${folder}:/usr/bin:/bin` },
  })
}

test('a client older than the server is refused before a byte, with the package to install', async (t) => {
  const b = await onlyInstalled(t, [12, server.version - 1])
  const hint = new RegExp(`postgresql-client-${server.version}`)
  await assert.rejects(b.source.inspect(b.series, never), { code: 'tool-too-old', hint, retry: false })
  const lines = await b.source.check(never)
  assert.equal(lines.find(({ name }) => name === 'dump program')?.ok, false)
})

test('no client at all is told with the package to install', async (t) => {
  const b = await onlyInstalled(t, [])
  const hint = new RegExp(`postgresql-client-${server.version}`)
  await assert.rejects(b.source.inspect(b.series, never), { code: 'tool-missing', hint })
})

test('only newer clients: the nearest one, with a warning', async (t) => {
  const next = server.version + 1
  const b = await onlyInstalled(t, [next, next + 1])
  const inspection = await b.source.inspect(b.series, never)
  assert.equal(inspection.engine.toolVersion, `${next}.4`)
  assert.match(
    inspection.warnings.join(),
    new RegExp(`pg_dump ${next} dumps a server of PostgreSQL ${server.version}`),
  )
})

test('the server’s own major is taken among older and newer ones', async (t) => {
  const b = await onlyInstalled(t, [server.version - 1, server.version, server.version + 1])
  const inspection = await b.source.inspect(b.series, never)
  assert.equal(inspection.engine.toolVersion, `${server.version}.4`)
  assert.deepEqual(inspection.warnings, [])
})

test('a restore without a new enough pg_restore is blocked in the plan', async (t) => {
  const b = await onlyInstalled(t, [server.version])
  const backup = await b.backUp()
  backup.engine = { ...backup.engine, toolVersion: '99.1' }
  const plan = await b.source.plan(backup, { database: null, url: null, stamp: 'x', noOwner: false }, never)
  assert.match(plan.blockers.join(), /written by PostgreSQL 99: install postgresql-client-99/)
})

test('half a dump with exit 0 does not pass the proof', async (t) => {
  const b = await onPath(t, `${real('pg_dump')} "$@" | head -c 300000; exit 0`)
  await assert.rejects(b.backUp(), { code: 'proof-failed' })
})

test('no output with exit 0 does not pass the proof', async (t) => {
  const b = await onPath(t, 'exit 0')
  await assert.rejects(b.backUp(), { code: 'proof-failed' })
})

test('a whole dump with exit 1 is no dump', async (t) => {
  const b = await onPath(t, `${real('pg_dump')} "$@"; echo "pg_dump: error: it went wrong" >&2; exit 1`)
  await assert.rejects(b.backUp(), { code: 'dump-failed', message: 'pg_dump failed: it went wrong' })
})

test('a pg_dump that is killed is no dump', async (t) => {
  const b = await onPath(t, `${real('pg_dump')} "$@"; kill -9 $$`)
  await assert.rejects(b.backUp(), { code: 'dump-failed', message: /SIGKILL/ })
})
