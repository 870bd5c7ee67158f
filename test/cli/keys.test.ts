import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { makeKey, readable } from '../support/encrypted.ts'
import { makePlace, type } from './typist.ts'

function encrypt(config: string, rule: string): void {
  const text = readFileSync(config, 'utf8')
  writeFileSync(config, text.replace(/^global:\n/m, `global:\n  encryption: ${rule}\n`))
}

suite('keys on the command line', () => {
  test('keygen makes a key, prints what to paste, and never writes over a file or beside the backups', async (t) => {
    const { folder, config } = await makePlace(t)
    const file = join(folder, 'private.txt')
    const made = await type(['--config', config, 'keygen', file])
    assert.equal(made.exit, 0, made.stderr)
    const recipient = /recipients: \[(age1[a-z0-9]+)\]/.exec(made.text)![1]!
    assert.equal(execFileSync('age-keygen', ['-y', file]).toString().trim(), recipient)
    assert.equal(statSync(file).mode & 0o777, 0o600)
    const secret = readFileSync(file, 'utf8')
      .split('\n')
      .find((line) => line.startsWith('AGE'))!
    assert.ok(!made.text.includes(secret))
    const again = await type(['--config', config, 'keygen', file])
    assert.match(again.stderr, /is there already; keygen never writes over a file/)
    for (const within of ['state', 'store']) {
      mkdirSync(join(folder, within), { recursive: true })
      const refused = await type(['--config', config, 'keygen', join(folder, within, 'key')])
      assert.match(refused.stderr, /a key beside the backups keeps nobody out/)
      assert.ok(!existsSync(join(folder, within, 'key')))
    }
  })

  test('the way from a new key to a first backup is said at each step', async (t) => {
    const { folder, config } = await makePlace(t)
    const file = join(folder, 'private.txt')
    const ask = (...words: string[]) => type(['--config', config, ...words])
    const { text } = await ask('keygen', file)
    encrypt(config, `{ type: age, recipients: [${/age1[a-z0-9]+/.exec(text)![0]}] }`)
    assert.match(
      (await ask('config', 'check')).text,
      /is encrypted: its first backup waits for `easy-backup decrypt-test/,
    )
    assert.match((await ask('doctor', 'shop')).text, /nobody has shown yet that they can be decrypted/)
    const refused = await ask('run', 'shop')
    assert.equal(refused.exit, 48)
    assert.match(refused.stderr + refused.text, /type decrypt-test/)
    const test = JSON.parse((await ask('decrypt-test', 'shop', '--json')).text) as {
      command: string
      strategy: string
    }
    const word = execFileSync('sh', ['-c', test.command.replace('KEYFILE', file)])
      .toString()
      .trim()
    assert.match((await ask('decrypt-test', 'shop')).text, /^-----END AGE ENCRYPTED FILE-----$/m)
    assert.match((await ask('decrypt-test', test.strategy, word)).stderr, /not the word/) // a newer one was made
    const newer = JSON.parse((await ask('decrypt-test', 'shop', '--json')).text) as { command: string }
    const right = execFileSync('sh', ['-c', newer.command.replace('KEYFILE', file)])
      .toString()
      .trim()
    assert.match((await ask('decrypt-test', test.strategy, right)).text, /^right: backups of/)
    assert.equal((await ask('run', 'shop')).exit, 0)
    assert.doesNotMatch((await ask('doctor', 'shop')).text, /nobody has shown/)
  })

  test('a passphrase that only a person knows is asked for, and stays nowhere', async (t) => {
    const { folder, config } = await makePlace(t)
    const words = 'nobody guesses this sentence'
    encrypt(config, `{ type: gpg, passphrase: ${words}, waive_decrypt_test: true }`)
    const run = await type(['--config', config, 'run', 'shop'])
    assert.equal(run.exit, 0, run.stderr)
    writeFileSync(config, readFileSync(config, 'utf8').replace(/^ {2}encryption: .*\n/m, ''))
    const target = join(folder, 'back.db')
    const restore = [
      '--config',
      config,
      'restore',
      'latest',
      '--strategy',
      'shop',
      '--target-url',
      `sqlite://${target}`,
      '--yes',
    ]
    const mute = await type(restore)
    assert.equal(mute.exit, 49)
    assert.match(mute.stderr, /encrypted with gpg and a passphrase that is not on this host\n.*--key-file/)
    const restored = await type(restore, { answers: [words] })
    assert.equal(restored.exit, 0, restored.stderr)
    assert.ok(existsSync(target))
    const got = await type(['--config', config, 'get', 'shop', '--decrypt', '--decompress'], {
      answers: [words],
    })
    assert.match(got.stdout.toString('latin1', 0, 15), /^SQLite format 3/, got.stderr)
    const left = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    )
    for (const entry of left)
      assert.ok(!readFileSync(join(entry.parentPath, entry.name)).includes(words), entry.name)
  })

  test('a key that a shell pipes in is read once, and stays nowhere', async (t) => {
    const { folder, config } = await makePlace(t)
    const { recipient, file } = makeKey(folder, 'mine')
    encrypt(config, `{ type: age, recipients: [${recipient}], waive_decrypt_test: true }`)
    const run = await type(['--config', config, 'run', 'shop'])
    assert.equal(run.exit, 0, run.stderr)
    const program = join(import.meta.dirname, '../../bin/easy-backup')
    const piped = '"$0" --config "$1" get shop --decrypt --decompress --key-file <(cat "$2")'
    const got = spawnSync('bash', ['-c', piped, program, config, file], { stdio: ['ignore', 'pipe', 'pipe'] })
    assert.match(got.stdout.toString('latin1', 0, 15), /^SQLite format 3/, got.stderr.toString())
    assert.deepEqual(readable([join(folder, 'tmp'), join(folder, 'state')], [/AGE-SECRET-KEY/]), [])
    const device = ['get', 'shop', '--decrypt', '--key-file', '/dev/null']
    assert.match((await type(['--config', config, ...device])).stderr, /key file \/dev\/null is empty/)
  })
})
