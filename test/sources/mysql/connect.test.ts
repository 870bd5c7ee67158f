import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { execFile } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { after, before, suite, test, type TestContext } from 'node:test'
import type { FaultCode } from '../../../src/core/faults.ts'
import { optionFile } from '../../../src/sources/mysql/environment.ts'
import { mysql } from '../../../src/sources/mysql/index.ts'
import { connectionTo } from '../../../src/sources/mysql/url.ts'
import { beside, openBench, temporary, type Bench } from '../../contracts/source.ts'
import { makeCertificate } from '../../support/certificate.ts'
import type { MariadbServer } from '../../support/mariadb.ts'
import { flavour, startServer } from '../../support/mysql.ts'

const run = promisify(execFile)
const never = new AbortController().signal
let server: MariadbServer
let plain: MariadbServer
let ca: string
let otherCa: string
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eb-tls-'))
  await chmod(folder, 0o755)
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text, { mode: 0o644 })
    return join(folder, name)
  }
  const { key, cert } = await makeCertificate('localhost')
  ca = await file('cert.pem', cert)
  otherCa = await file('other.pem', (await makeCertificate('localhost')).cert)
  const tls = [`--ssl-cert=${ca}`, `--ssl-key=${await file('key.pem', key)}`]
  ;[server, plain] = await Promise.all([
    startServer({ settings: tls }),
    startServer({ tls: 'none', settings: ['--log-bin-trust-function-creators=1'] }),
  ])
  for (const one of [server, plain])
    await one.query('CREATE DATABASE shop; CREATE TABLE shop.t (a INT); INSERT INTO shop.t VALUES (1)')
  await server.query(`CREATE USER secure IDENTIFIED BY 'pw' REQUIRE SSL; GRANT ALL ON *.* TO secure`)
})
after(async () => {
  await Promise.all([server.close(), plain.close()])
  await rm(folder, { recursive: true })
})

const at = (one: MariadbServer, query: string, host = '127.0.0.1'): string =>
  `mysql://root:${one.password}@${host}:${one.port}/shop?${query}`

async function backsUp(t: TestContext, url: string): Promise<Bench> {
  const b = await openBench(t, { facts: { driver: mysql }, url })
  assert.deepEqual((await b.backUp()).tables, [{ name: 't', rows: 1 }])
  return b
}

async function refuses(t: TestContext, url: string, code: FaultCode, words: RegExp): Promise<void> {
  const b = await openBench(t, { facts: { driver: mysql }, url })
  await assert.rejects(b.source.inspect(b.series, never), (error: Error & { code: string }) => {
    assert.equal(error.code, code)
    assert.match(error.message, words)
    return true
  })
}

suite(`reaching ${flavour}`, () => {
  const asked = [
    'ssl-mode=required',
    'sslmode=require',
    'ssl-mode=VERIFY_CA&ssl-ca={ca}',
    'sslmode=verify-full&sslrootcert={ca}',
  ]
  for (const query of asked)
    test(`encrypted by ${query}`, async (t) => {
      const url = at(server, query.replace('{ca}', ca), 'localhost')
      await backsUp(t, url.replace(`root:${server.password}`, 'secure:pw'))
    })

  test('encrypted where the server can, plain where it cannot, by default', async (t) => {
    await backsUp(t, at(server, '').replace(`root:${server.password}`, 'secure:pw'))
    await backsUp(t, at(plain, ''))
  })

  test('a server that cannot encrypt is refused where that is asked for, and one that demands it where it is forbidden', async (t) => {
    await refuses(t, at(plain, 'ssl-mode=required'), 'database-refused', /no encrypted connection/)
    await refuses(
      t,
      at(server, 'ssl-mode=disabled').replace(`root:${server.password}`, 'secure:pw'),
      'database-refused',
      /refused|secure/,
    )
  })

  test('a certificate of somebody else, or for another name, is refused', async (t) => {
    await refuses(t, at(server, `ssl-mode=verify-ca&ssl-ca=${otherCa}`), 'database-refused', /certificate/)
    await refuses(
      t,
      at(server, `ssl-mode=verify-ca&ssl-ca=/no/such.pem`),
      'database-refused',
      /cannot be read/,
    )
    const b = await openBench(t, {
      facts: { driver: mysql },
      url: at(server, `ssl-mode=verify-identity&ssl-ca=${ca}`, 'db.example.com'),
    })
    const far = mysql.open(
      {
        strategy: 'shop',
        url: at(server, `ssl-mode=verify-identity&ssl-ca=${ca}`, 'db.example.com'),
        dumpUrl: null,
        restoreUrl: null,
        options: {},
        databases: null,
      },
      {
        processes: b.processes,
        clock: { now: () => 0 } as never,
        log: {} as never,
        folder: b.folder,
        runId: b.runId,
        said: () => {},
        reach: () => ({ host: '127.0.0.1', port: server.port }),
      },
    )
    await assert.rejects(far.inspect(b.series, never), {
      code: 'database-refused',
      message: /no encrypted connection.*altnames|does not match/s,
    })
  })

  test('without ssl-ca the programs trust no certificate that our own session would not', async (t) => {
    const { folder } = await openBench(t, { facts: { driver: mysql }, url: at(server, '') })
    const near = (host: { host: string; port: number }) => host
    const far = () => ({ host: '127.0.0.1', port: server.port })
    for (const [mode, reach] of [
      ['verify-ca', near],
      ['verify-identity', near],
      ['verify-identity', far],
    ] as const) {
      const url = `mysql://secure:pw@localhost:${server.port}/shop?ssl-mode=${mode}`
      const context = { folder, reach } as never
      const file = await optionFile(connectionTo(url), { context, flavour: 'MariaDB', encrypted: true })
      const client = run('mariadb', [`--defaults-file=${file}`, '-e', 'SELECT 1'])
      await assert.rejects(client, /self-signed certificate/, mode)
    }
  })

  test('through a tunnel the certificate is still that of the server itself', async (t) => {
    const b = await openBench(t, { facts: { driver: mysql }, url: at(server, '') })
    const said: string[] = []
    const source = mysql.open(
      {
        strategy: 'shop',
        url: `mysql://secure:pw@localhost:1/shop?ssl-mode=verify-identity&ssl-ca=${ca}`,
        dumpUrl: null,
        restoreUrl: null,
        options: {},
        databases: null,
      },
      {
        processes: b.processes,
        clock: { now: () => 0 } as never,
        log: {} as never,
        folder: b.folder,
        runId: b.runId,
        said: (_, line) => said.push(line),
        reach: () => ({ host: '127.0.0.1', port: server.port }),
      },
    )
    const inspection = await source.inspect(b.series, never)
    await source.dump(b.series, inspection, b.sink(), never)
    assert.deepEqual((await b.prove(join(b.out, b.artifact()))).tables, [{ name: 't', rows: 1 }])
  })

  test('through its socket', async (t) => {
    const b = await backsUp(
      t,
      `mysql://root:${plain.password}@localhost/shop?socket=${encodeURIComponent(plain.socket)}`,
    )
    const { endpoint } = await b.source.inspect(b.series, never)
    assert.equal(endpoint, plain.socket)
  })

  test('with a password of every character, which no process shows', async (t) => {
    const password = ` p"w'\\#;=@:/%ü\t$(x)\`\\n end `
    await plain.query(
      `DROP USER IF EXISTS 'we"ird'; CREATE USER 'we"ird' IDENTIFIED BY '${password.replaceAll('\\', '\\\\').replaceAll("'", "''")}'; GRANT ALL ON *.* TO 'we"ird'`,
    )
    const url = `mysql://${encodeURIComponent('we"ird')}:${encodeURIComponent(password)}@127.0.0.1:${plain.port}/shop`
    const folder = await temporary(t)
    const programs = flavour === 'MySQL' ? ['mysqldump', 'mysql'] : ['mariadb-dump', 'mariadb']
    for (const name of programs)
      await writeFile(
        join(folder, name),
        `#!/bin/sh\ntr '\\0' '\\n' < /proc/$$/cmdline >> ${folder}/seen\nenv >> ${folder}/seen\nexec ${process.env.MYSQL_BIN ?? '/usr/bin'}/${name} "$@"\n`,
        { mode: 0o755 },
      )
    const environment = { ...process.env, PATH: `${folder}:${process.env.PATH}` }
    const b = await openBench(t, { facts: { driver: mysql }, url, environment })
    const backup = await b.backUp()
    await b.restore(backup)
    const seen = await readFile(join(folder, 'seen'), 'utf8')
    assert.match(seen, /--defaults-file/)
    assert.ok(!seen.includes(password) && !seen.includes(encodeURIComponent(password)))
    assert.ok(!b.said.join('\n').includes(password))
  })

  test('with nothing of the user’s own option files', async (t) => {
    const home = await temporary(t)
    await mkdir(join(home, 'x'))
    await writeFile(
      join(home, '.my.cnf'),
      '[client]\nuser=nobody\nhost=192.0.2.1\n[mysqldump]\nno-data\nskip-triggers\n',
    )
    const b = await openBench(t, {
      facts: { driver: mysql },
      url: at(plain, ''),
      environment: { ...process.env, HOME: home },
    })
    assert.deepEqual((await b.backUp()).tables, [{ name: 't', rows: 1 }])
  })
})

suite(`trouble with ${flavour} is told in words`, () => {
  const cases: [string, () => string, FaultCode, RegExp][] = [
    [
      'a wrong password',
      () => at(plain, '').replace(plain.password, 'wrong'),
      'database-refused',
      /refused the password for user "root"/,
    ],
    [
      'no password',
      () => at(plain, '').replace(`:${plain.password}@`, '@'),
      'database-refused',
      /asks for the password/,
    ],
    [
      'nobody there',
      () => 'mysql://u:p@127.0.0.1:1/shop',
      'database-unreachable',
      /127\.0\.0\.1:1 did not answer/,
    ],
    [
      'an unknown host',
      () => 'mysql://u:p@no-such-host.invalid/shop',
      'database-unreachable',
      /did not answer/,
    ],
    [
      'a missing socket',
      () => 'mysql://u:p@localhost/shop?socket=/no/such.sock',
      'database-unreachable',
      /such\.sock did not answer/,
    ],
  ]
  for (const [what, url, code, words] of cases) test(what, (t) => refuses(t, url(), code, words))

  test('too few rights are named by doctor, with the grant', async (t) => {
    await plain.query(
      "DROP USER IF EXISTS reader; CREATE USER reader IDENTIFIED BY 'pw'; GRANT SELECT ON shop.* TO reader",
    )
    const url = at(plain, '').replace(`root:${plain.password}`, 'reader:pw')
    const lines = await (await openBench(t, { facts: { driver: mysql }, url })).source.check(never)
    const failed = lines.filter(({ ok }) => !ok).map(({ name, text }) => `${name}: ${text}`)
    assert.match(
      failed.join('\n'),
      /right to read: no right to SHOW VIEW, TRIGGER, EVENT[^]*right to create: user "reader" may not create/,
    )
  })

  test('the two accounts of SECURITY.md are enough to back up and to restore beside', async (t) => {
    const page = await readFile(new URL('../../../SECURITY.md', import.meta.url), 'utf8')
    const sql = [...page.matchAll(/```mysql\n(.*?)```/gs)].map(([, block]) => block!)
    assert.equal(sql.length, 3)
    sql.splice(flavour === 'MySQL' ? 0 : 1, 1) // the other one’s account that dumps
    await plain.query(
      "CREATE VIEW v AS SELECT * FROM t; CREATE PROCEDURE p() SELECT 1; CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1; CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO SELECT 1",
      'shop',
    )
    for (const block of sql) await plain.query(block)
    const as = (who: string): string => at(plain, '').replace(`root:${plain.password}`, who)
    const settings = { restoreUrl: as('restorer:choose-another') }
    const b = await openBench(t, { facts: { driver: mysql }, url: as('backup:choose-one'), settings })
    for (const line of await b.source.check(never)) assert.ok(line.ok, `${line.name}: ${line.text}`)
    const backup = await b.backUp()
    const { tables, warnings } = await b.restore(backup, { ...beside, database: 'shop_again' })
    assert.deepEqual(tables, [{ name: 't', rows: 1 }])
    assert.match(warnings.join(), /run as whoever restored/)
    const [row] = await plain.query('SHOW CREATE PROCEDURE p', 'shop_again')
    assert.match(String(row!['Create Procedure']), /SELECT 1/)
    const other = { ...beside, url: as('restorer:choose-another').replace('/shop?', '/other?') }
    assert.match(
      (await b.source.plan(backup, other, never)).blockers.join(),
      /may not create database "other"/,
    )
  })
})
