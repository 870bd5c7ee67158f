import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import { freePort } from '../../playground/servers/free-port.ts'
import { until } from '../support/bot.ts'
import { endProcess } from '../support/ended.ts'
import { makeFolder } from '../support/local.ts'
import { copies, productionPackages, root, stages, text, type Instruction } from './files.ts'

const final = stages().at(-1)!
const only = (word: string): string => {
  const found = final.filter((instruction: Instruction) => instruction.word === word)
  assert.equal(found.length, 1, `one ${word}`)
  return found[0]!.rest
}

suite('the Dockerfile', () => {
  test('copies what is there, and nothing else reaches the build', () => {
    const sources = stages().flatMap((stage) => copies(stage).flatMap(({ from }) => from))
    for (const source of sources) assert.ok(existsSync(join(root, source)), source)
    const [all, ...allowed] = text('.dockerignore')
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
    assert.equal(all, '*')
    assert.deepEqual(
      allowed.toSorted(),
      [...new Set(sources)].map((source) => `!${source.replace('./', '')}`).toSorted(),
    )
  })

  test('installs neither development packages nor a Node built for glibc', () => {
    const install = stages()[0]!.find(({ rest }) => rest.startsWith('npm ci'))!.rest
    assert.match(install, /--omit=dev/)
    assert.match(install, /--omit=optional/)
    const packages = productionPackages()
    assert.equal(
      packages.some((path) => /node-(linux|bin)-|typescript|oxlint|playwright/.test(path)),
      false,
    )
    const { dependencies } = JSON.parse(text('package.json')) as { dependencies: Record<string, string> }
    for (const name of Object.keys(dependencies)) assert.ok(packages.includes(`node_modules/${name}`), name)
  })

  test('runs as a number that is not root, stops by SIGTERM, checks health, and writes to volumes only', () => {
    assert.match(only('USER'), /^[1-9]\d*:[1-9]\d*$/)
    assert.equal(only('STOPSIGNAL'), 'SIGTERM')
    assert.match(only('HEALTHCHECK'), /CMD .*\/health/)
    assert.deepEqual(JSON.parse(only('ENTRYPOINT')), ['/sbin/tini', '--', '/app/bin/easy-backup'])
    assert.deepEqual(JSON.parse(only('CMD')), ['serve'])
    const volumes = JSON.parse(only('VOLUME')) as string[]
    const environment = only('ENV')
    for (const name of ['STATE_DIR', 'TEMP_DIR'])
      assert.ok(volumes.includes(new RegExp(`${name}=(\\S+)`).exec(environment)![1]!), name)
  })
})

/** A folder as the image has it: the files it copies, the packages it installs, and nothing else. */
function asInImage(folder: string): string {
  const app = join(folder, 'app')
  for (const { from, to } of copies(final))
    for (const source of from)
      cpSync(join(root, source), to === './' ? join(app, source) : join(app, to), { recursive: true })
  for (const path of productionPackages()) {
    mkdirSync(join(app, path, '..'), { recursive: true })
    cpSync(join(root, path), join(app, path), {
      recursive: true,
      filter: (source) => !source.slice(root.length + path.length + 1).includes('node_modules'),
    })
  }
  const bin = join(folder, 'bin') // the official image has Node on PATH
  mkdirSync(bin)
  symlinkSync(process.execPath, join(bin, 'node'))
  return app
}

/** Everything is read-only but `writable`, as with `--read-only` and volumes; then as another user, without any right of root. */
const jail = `set -eu
mount --make-rprivate /
for folder in $WRITABLE; do mount --bind "$folder" "$folder"; done
mount -o remount,bind,ro /
exec setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set=-all --no-new-privs "$@"`

const mayJail =
  process.getuid?.() === 0 && works('unshare', ['-m', 'true']) && works('setpriv', ['--version'])

function works(program: string, args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

interface Jailed {
  child: ChildProcess
  said: () => string
}

test(
  'what the image holds serves, backs up and stops cleanly: read-only root, no root, no rights',
  { skip: mayJail ? false : 'needs root, unshare and setpriv' },
  async (t) => {
    const folder = await makeFolder(t)
    execFileSync('chmod', ['755', folder])
    const app = asInImage(folder)
    const writable = ['state', 'spool', 'backups', 'databases'].map((name) => join(folder, name))
    for (const path of writable) {
      mkdirSync(path)
      chownSync(path, 1000, 1000)
    }
    const [state, spool, backups, databases] = writable as [string, string, string, string]
    const file = join(databases, 'shop.db')
    fillLarge(file)
    chownSync(file, 1000, 1000)
    const port = await freePort()
    const config = join(folder, 'config.yml')
    writeFileSync(
      config,
      `global: { schedule: manual, state_dir: ${state}, temp_dir: ${spool}, storages: { disk: { type: local, path: ${backups} } }, monitoring: { health_check: { port: ${port} } } }
strategies: [{ name: shop, database_url: "sqlite://${file}" }]`,
    )
    const start = (...words: string[]): Jailed =>
      inJail(t, { folder, writable, argv: [join(app, 'bin/easy-backup'), ...words, '--config', config] })

    const service = start('serve')
    await until(async () => (await fetch(`http://127.0.0.1:${port}/health`)).ok, 'the service is healthy')
    const asked = start('run', '--wait')
    assert.deepEqual(await once(asked.child, 'exit'), [0, null], asked.said())
    const argv = [join(app, 'bin/easy-backup'), 'init', '--config', join(app, 'other.yml')]
    const writing = inJail(t, { folder, writable, argv })
    await once(writing.child, 'close')
    assert.match(writing.said(), /read-only/i)

    const busy = start('run') // interrupted or finished within its 10 s: both are a clean end
    await once(busy.child, 'exit')
    service.child.kill('SIGTERM')
    assert.deepEqual(await once(service.child, 'exit'), [0, null], service.said())
    assert.equal(execFileSync('find', [backups, '-name', '.partial-*']).toString(), '')
  },
)

function inJail(
  t: TestContext,
  { folder, writable, argv }: { folder: string; writable: string[]; argv: string[] },
): Jailed {
  const child = spawn('unshare', ['-m', 'sh', '-c', jail, 'sh', ...argv], {
    env: { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, WRITABLE: writable.join(' ') },
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  t.after(() => endProcess(child))
  return { child, said: () => said }
}

function fillLarge(file: string): void {
  const database = new DatabaseSync(file)
  database.exec(`CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT);
    INSERT INTO orders SELECT value, hex(randomblob(100)) FROM (
      WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 50000) SELECT value FROM n)`)
  database.close()
}
