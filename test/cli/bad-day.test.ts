import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, suite, test, type TestContext } from 'node:test'
import { faultTable } from '../../src/core/faults.ts'
import { makeFolder } from '../support/local.ts'
import { startS3, type S3Server } from '../support/s3/server.ts'

const launcher = resolve(import.meta.dirname, '../../bin/easy-backup')

interface Said {
  code: number | null
  stdout: string
  stderr: string
}

/** Types one line in a folder of an otherwise empty machine. */
function type(words: string[], at: { folder: string; environment?: Record<string, string> }): Promise<Said> {
  const own = { TEMP_DIR: join(at.folder, 'tmp'), AWS_EC2_METADATA_DISABLED: 'true' }
  const env = { PATH: process.env.PATH, HOME: at.folder, ...own, ...at.environment }
  const child = spawn(launcher, words, { cwd: at.folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (said.stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()))
  return new Promise((done) => child.once('close', (code) => done({ code, ...said })))
}

interface Lost {
  s3: S3Server
  /** `s3://…` of the stored dump. */
  dump: string
  /** What is left. */
  environment: Record<string, string>
}

/** A host that backed up into a bucket, and is gone. */
async function lostHost(): Promise<Lost> {
  const s3 = await startS3(null)
  const folder = await mkdtemp(join(tmpdir(), 'eb-lost-'))
  const database = new DatabaseSync(join(folder, 'shop.db'))
  database.exec(`CREATE TABLE orders (id INTEGER PRIMARY KEY); INSERT INTO orders VALUES (1), (2), (3)`)
  database.close()
  const config = {
    global: {
      state_dir: join(folder, 'state'),
      s3: s3.options({ base_path: 'team/db' }),
      compression: 'zstd',
    },
    strategies: [{ name: 'shop', database_url: `sqlite://${folder}/shop.db`, schedule: 'manual' }],
  }
  await writeFile(join(folder, 'easy-backup.yml'), JSON.stringify(config))
  const made = await type(['run'], { folder })
  assert.equal(made.code, 0, made.stderr)
  const environment = {
    AWS_ACCESS_KEY_ID: s3.credentials.access_key,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secret_key,
    AWS_REGION: s3.region,
    AWS_ENDPOINT_URL: s3.endpoint,
  }
  const key = s3.objects().find((each) => each.endsWith('.zst'))!
  await rm(folder, { recursive: true })
  return { s3, dump: `s3://${s3.bucket}/${key}`, environment }
}

function rowsOf(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return database.prepare('SELECT count(*) AS n FROM orders').get()!.n
  } finally {
    database.close()
  }
}

let lost: Lost
before(async () => void (lost = await lostHost()))
after(() => lost.s3.stop())

const emptyMachine = async (
  t: TestContext,
): Promise<{ folder: string; environment: Record<string, string> }> => ({
  folder: await makeFolder(t),
  environment: lost.environment,
})

suite('on an empty machine, with credentials in the environment and no configuration', () => {
  for (const named of ['the dump', 'its manifest', 'its folder', 'all of the bucket'])
    test(`restore --from s3://… names ${named}`, async (t) => {
      const { dump, s3 } = lost
      const empty = await emptyMachine(t)
      const folder = dump.replace(/[^/]+$/, '')
      const from = {
        'the dump': dump,
        'its manifest': `${folder}manifest.json`,
        'its folder': folder.slice(0, -1),
        'all of the bucket': `s3://${s3.bucket}`,
      }[named]!
      const target = join(empty.folder, 'back.db')
      const words = ['restore', '--from', from, '--target-url', `sqlite://${target}`]
      const said = await type([...words, '--yes'], empty)
      assert.equal(said.code, 0, said.stderr)
      assert.match(said.stderr, /SHA-256 +[0-9a-f]{64}\n/)
      assert.equal(rowsOf(target), 3)
      assert.deepEqual(readdirSync(empty.folder).toSorted(), ['back.db', 'tmp'], 'nothing else is left')
    })

  test('an object that was changed reaches no target, and the error says what is wrong', async (t) => {
    const { dump, s3 } = lost
    const empty = await emptyMachine(t)
    const key = dump.slice(`s3://${s3.bucket}/`.length)
    const bytes = Buffer.from(s3.read(key))
    const whole = Buffer.from(bytes)
    bytes[bytes.length - 10]! ^= 1
    s3.overwrite(key, bytes)
    t.after(() => s3.overwrite(key, whole))
    const target = join(empty.folder, 'back.db')
    const said = await type(['restore', '--from', dump, '--target-url', `sqlite://${target}`, '--yes'], empty)
    assert.equal(said.code, faultTable['object-corrupt'].exit, said.stderr)
    assert.match(said.stderr, /does not have the SHA-256 of its manifest/)
    assert.equal(existsSync(target), false)
  })

  test('a local file needs no more than its path', async (t) => {
    const { dump, s3 } = lost
    const empty = await emptyMachine(t)
    await writeFile(join(empty.folder, 'a copy'), s3.read(dump.slice(`s3://${s3.bucket}/`.length)))
    const at = { folder: empty.folder }
    const words = [
      'restore',
      '--from',
      './a copy',
      '--target-url',
      `sqlite://${empty.folder}/back.db`,
      '--yes',
    ]
    const said = await type(words, at)
    assert.equal(said.code, 0, said.stderr)
    assert.match(said.stderr, /From +\/.*\/a copy\n.*SHA-256 +unknown/s)
    assert.match(said.stderr, /no manifest vouches for this file/)
    assert.equal(rowsOf(join(empty.folder, 'back.db')), 3)
  })

  test('without a target it asks for one; anything but a restore still asks for a configuration', async (t) => {
    const folder = await makeFolder(t)
    await mkdir(join(folder, 'd'))
    await writeFile(join(folder, 'd', 'x.db'), readFileSync(process.execPath).subarray(0, 10))
    const junk = await type(['restore', '--from', 'd', '--yes'], { folder })
    assert.match(junk.stderr, /holds no format that is known here/)
    const other = await type(['list'], { folder })
    assert.equal(other.code, faultTable['config-invalid'].exit)
  })
})
