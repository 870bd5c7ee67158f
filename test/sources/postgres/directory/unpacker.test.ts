import assert from 'node:assert/strict'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import type { Manifest } from '../../../../src/core/model.ts'
import { postgres } from '../../../../src/sources/postgres/index.ts'
import { beside, openBench, temporary, type Bench } from '../../../contracts/source.ts'
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts'

const never = new AbortController().signal
let server: PostgresServer

before(async () => {
  server = await startPostgres()
  await server.createDatabase('shop')
  await server.query('CREATE TABLE orders AS SELECT generate_series(1, 100) AS id', 'shop')
})
after(() => server.close())

/** This tar stands before the real one; it unpacks as that does. */
async function withTar(t: TestContext, version: string, jobs = 2): Promise<Bench> {
  const folder = await temporary(t)
  const text = `#!/bin/sh\n[ "$1" = --version ] && { ${version}; }\nPATH=/usr/bin:/bin exec tar "$@"\n`
  await writeFile(join(folder, 'tar'), text)
  await chmod(join(folder, 'tar'), 0o755)
  const environment = { PATH: `${folder}:${process.env.PATH}` }
  return openBench(t, {
    facts: { driver: postgres, options: { jobs } },
    url: server.url('shop'),
    environment,
  })
}

const unpackLine = async (b: Bench) =>
  (await b.source.check(never)).find(({ name }) => name === 'unpack program')
const planned = (b: Bench, backup: Manifest) => b.source.plan(backup, beside, never)

suite('the tar that unpacks a backup of several tables at a time', () => {
  for (const [what, version] of Object.entries({
    'that says so': "echo 'tar (busybox) 1.36.1'; exit",
    'that does not know the question':
      "echo \"tar: unrecognized option '--version'\" >&2; echo 'BusyBox v1.30.1 multi-call binary.' >&2; exit 1",
    'that says nothing': 'exit',
  }))
    test(`is not one of busybox ${what}: doctor, plan and restore refuse it with a way out`, async (t) => {
      const b = await withTar(t, version)
      const line = await unpackLine(b)
      assert.equal(line?.ok, false)
      assert.match(`${line.text}: ${line.hint}`, /tar may cut files over 8 GiB.*install GNU tar/)
      const backup = await b.backUp() // the dump itself needs no tar
      assert.match((await planned(b, backup)).blockers.join(), /8 GiB.*install GNU tar/)
      await assert.rejects(b.restore(backup), { code: 'tool-missing', hint: /GNU tar/ })
      assert.ok(!(await readdir(b.folder)).includes('restore.dir'))
    })

  for (const version of ['tar (GNU tar) 1.35', 'bsdtar 3.7.4 - libarchive 3.7.4 zlib/1.3.1'])
    test(`may be ${version}`, async (t) => {
      const b = await withTar(t, `echo '${version}'; exit`)
      assert.deepEqual(await unpackLine(b), { name: 'unpack program', ok: true, text: version, hint: null })
      assert.deepEqual((await planned(b, await b.backUp())).blockers, [])
    })

  test('is not asked for where one table is dumped at a time', async (t) => {
    const b = await withTar(t, "echo 'tar (busybox) 1.36.1'; exit", 1)
    assert.equal(await unpackLine(b), undefined)
    assert.deepEqual((await planned(b, await b.backUp())).blockers, [])
  })
})
