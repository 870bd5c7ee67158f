import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import type { Fault } from '../../src/core/faults.ts'
import type { Processes } from '../../src/sys/process.ts'
import {
  filesIn,
  makeKey,
  readable,
  restore,
  toRecipients,
  verify,
  type KeyPair,
} from '../support/encrypted.ts'
import { makeWorld, makeWorldFolder, openWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

interface Scene {
  world: World
  /** The pair that the backups are for, and another. */
  mine: KeyPair
  other: KeyPair
}

async function makeScene(t: TestContext, more: Record<string, unknown> = {}): Promise<Scene> {
  const folder = await makeWorldFolder(t)
  const [mine, other] = [makeKey(folder, 'mine'), makeKey(folder, 'other')]
  const identity = more.identity_file === 'mine' ? { identity_file: mine.file } : {}
  const encryption = { ...toRecipients(mine), ...more, ...identity }
  const world = await makeWorld(t, { folder, global: { encryption } })
  return { world, mine, other }
}

/** The same folder after somebody changed the configuration. */
async function reopen(t: TestContext, { world }: Scene, encryption: unknown): Promise<World> {
  await world.close()
  const again = await openWorld(world.folder, { global: encryption ? { encryption } : {} })
  t.after(() => again.close())
  return again
}

async function made(world: World): Promise<string> {
  const run = await world.backup()
  assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
  return run.backup!.id
}

async function handedOut(
  world: World,
  id: string,
  how: { decrypt?: boolean; decompress?: boolean; keyFile?: string; file?: string },
): Promise<Buffer> {
  const sink = new PassThrough()
  const chunks: Buffer[] = []
  sink.on('data', (chunk: Buffer) => chunks.push(chunk))
  const { decrypt = false, decompress = false, keyFile = null, file = null } = how
  const signal = new AbortController().signal
  await world.engine.get(id, { decrypt, decompress, keyFile, file, signal }, sink)
  return Buffer.concat(chunks)
}

suite('an encrypted backup', () => {
  test('is proved before its encryption, says to whom it is encrypted, and names no table', async (t) => {
    const { world, mine } = await makeScene(t)
    const run = await world.backup()
    assert.deepEqual([run.backup?.tables, run.backup?.rows, run.backup?.provedAtDump], [2, 502, true])
    const { manifest, view } = await world.engine.backup('latest', 'shop')
    assert.deepEqual(manifest.encryption, { method: 'age', mode: 'recipients', keyIds: [mine.recipient] })
    assert.deepEqual([manifest.tables, manifest.strategyConfig, manifest.level], [null, null, 'V2'])
    assert.equal(manifest.storedBytes, manifest.artifacts[0]!.storedBytes + manifest.details!.storedBytes)
    assert.equal(view.provedAtDump, true)
    await assertWorld(world)
  })

  test('is verified whole, restored and handed out where the private key is', async (t) => {
    const scene = await makeScene(t, { identity_file: 'mine' })
    const { world } = scene
    const id = await made(world)
    const verified = await verify(world, id)
    assert.deepEqual(
      [verified.state, verified.verify?.level, verified.verify?.rows],
      ['succeeded', 'V2', 502],
    )
    const restored = await restore(world, { backup: id })
    assert.deepEqual([restored.state, restored.restore?.rows], ['succeeded', 502], restored.fault?.text ?? '')
    assert.match((await handedOut(world, id, {})).toString('latin1'), /^age-encryption/)
    assert.equal((await handedOut(world, id, { decrypt: true })).readUInt16BE(0), 0x1f8b)
    const raw = await handedOut(world, id, { decrypt: true, decompress: true })
    assert.match(raw.toString('latin1', 0, 16), /^SQLite format 3/)
    await assert.rejects(handedOut(world, id, { decompress: true }), { code: 'usage', hint: 'add --decrypt' })
    assert.match(
      (await handedOut(world, id, { decrypt: true, decompress: true, file: 'details' })).toString(),
      /"orders"/,
    )
    await assertWorld(world)
  })

  test('is nowhere on disk as plain text while whoever gets it is slow', async (t) => {
    const { world } = await makeScene(t, { identity_file: 'mine' })
    const id = await made(world)
    const seen: string[][] = []
    const sink = new Writable({
      write(_chunk, _encoding, done) {
        seen.push(readable([world.tempDir], [/SQLite format 3/]))
        done()
      },
    })
    const how = { decrypt: true, decompress: true, keyFile: null, file: null }
    await world.engine.get(id, { ...how, signal: new AbortController().signal }, sink)
    assert.ok(seen.length > 0)
    assert.deepEqual(seen.flat(), [])
  })

  test('without the key is read again, says what is missing, and stays good', async (t) => {
    const { world, mine, other } = await makeScene(t)
    const id = await made(world)
    const verified = await verify(world, id)
    assert.deepEqual([verified.state, verified.verify?.level], ['succeeded', 'V1'])
    assert.match(verified.verify!.undecoded!, /encrypted with age to age1.*no private key.*--key-file/)
    await assert.rejects(restore(world, { backup: id }), {
      code: 'key-missing',
      message: /no private key for it/,
    })
    await assert.rejects(handedOut(world, id, { decrypt: true }), { code: 'key-missing' })

    const wrong = await verify(world, id, other.file)
    assert.deepEqual([wrong.state, wrong.fault?.code], ['failed', 'key-wrong'])
    assert.match(wrong.fault!.text, /encrypted with age to age1.*; the identity in .*other\.txt does not fit/)
    await assert.rejects(restore(world, { backup: id, keyFile: other.file }), { code: 'key-wrong' })
    await assert.rejects(restore(world, { backup: id, keyFile: '/no/key' }), { code: 'key-missing' })
    assert.equal((await world.engine.backup(id, null)).view.corrupt, null)

    const right = await verify(world, id, mine.file)
    assert.deepEqual([right.state, right.verify?.level], ['succeeded', 'V2'])
    const restored = await restore(world, { backup: id, keyFile: mine.file })
    assert.deepEqual([restored.state, restored.restore?.rows], ['succeeded', 502])
    await assertWorld(world)
  })

  test('of a former key or passphrase is never called corrupt, and is read with the one that is named', async (t) => {
    const first = { type: 'gpg', recipients: undefined, passphrase: 'the first of two long passphrases' }
    const scene = await makeScene(t, first)
    const old = await made(scene.world)
    const words = join(scene.world.folder, 'words')
    writeFileSync(words, 'the first of two long passphrases\n')
    const world = await reopen(t, scene, {
      type: 'gpg',
      passphrase: 'the second of two',
      waive_decrypt_test: true,
    })
    const blind = await verify(world, old)
    assert.deepEqual([blind.state, blind.verify?.level], ['succeeded', 'V1'], blind.fault?.text ?? '')
    assert.match(blind.verify!.undecoded!, /passphrase/)
    assert.equal((await verify(world, old, words)).verify?.level, 'V2')
    assert.equal((await restore(world, { backup: old, keyFile: words })).state, 'succeeded')
    const plain = await reopen(t, { ...scene, world }, null)
    await assert.rejects(restore(plain, { backup: old }), {
      code: 'passphrase-missing',
      message: /gpg and a passphrase/,
    })
    assert.equal((await plain.engine.backup(old, null)).view.corrupt, null)
  })

  test('of a former passphrase says how many of the configured ones were not tried', async (t) => {
    const words = (passphrase: string) => ({ type: 'gpg', passphrase, waive_decrypt_test: true })
    const folder = await makeWorldFolder(t)
    const first = await openWorld(folder, { global: { encryption: words('the words of shop at first') } })
    const id = await made(first)
    await first.close()
    const strategies = {
      shop: { encryption: words('the words of shop by now') },
      crm: { encryption: words('the words of shop at first') },
      blog: { encryption: words('the words of shop by now') },
    }
    const world = await makeWorld(t, { folder, strategies })
    await assert.rejects(handedOut(world, id, { decrypt: true }), {
      code: 'key-wrong',
      message: /another key or passphrase; 1 other configured key was not tried$/,
      hint: /--key-file/,
    })
  })

  test('that was damaged is called so, with the key and without', async (t) => {
    const { world, mine } = await makeScene(t)
    const id = await made(world)
    const { manifest } = await world.engine.backup(id, null)
    const path = join(world.storageDir, manifest.details!.key)
    const bytes = readFileSync(path)
    bytes[bytes.length - 1]! ^= 1
    writeFileSync(path, bytes)
    for (const keyFile of [null, mine.file]) {
      const run = await verify(world, id, keyFile)
      assert.deepEqual([run.state, run.fault?.code], ['failed', 'object-corrupt'])
    }
    assert.match((await world.engine.backup(id, null)).view.corrupt!, /details/)
  })

  test('is restored from a file that no catalogue knows, with and without its manifest', async (t) => {
    const { world, mine } = await makeScene(t, { compression: undefined })
    const id = await made(world)
    const { manifest } = await world.engine.backup(id, null)
    const stored = join(world.storageDir, manifest.artifacts[0]!.key)
    const bare = await makeWorld(t, { strategies: { crm: {} } })
    const alone = join(bare.folder, 'dump.gz.age')
    copyFileSync(stored, alone)
    for (const [index, from] of [alone, stored, join(stored, '..')].entries()) {
      const target = { targetUrl: `sqlite://${bare.folder}/back-${index}.db`, from, backup: '' }
      await assert.rejects(restore(bare, target), { code: 'key-missing', message: /encrypted with age/ })
      const run = await restore(bare, { ...target, keyFile: mine.file })
      assert.deepEqual([run.state, run.restore?.rows], ['succeeded', 502], run.fault?.text ?? '')
      const database = new DatabaseSync(join(bare.folder, `back-${index}.db`))
      assert.equal(database.prepare('SELECT count(*) AS n FROM orders').get()!.n, 500)
      database.close()
    }
    await assertWorld(bare)
  })

  test('is restored by the stock commands of its manifest', async (t) => {
    const { world, mine } = await makeScene(t)
    const { manifest, copies } = await world.engine.backup(await made(world), null)
    const folder = join(world.folder, 'by-hand')
    execFileSync('cp', ['-r', copies[0]!.location, folder])
    const [first = '', ...more] = manifest.restoreCommands
    assert.match(first, /^age -d -i KEYFILE < 'shop\.db\.gz\.age' \| gzip -dc > 'shop\.db'$/)
    execFileSync('sh', ['-c', first.replace('KEYFILE', mine.file)], { cwd: folder })
    assert.ok(more.length > 0)
    const database = new DatabaseSync(join(folder, 'shop.db'))
    assert.equal(database.prepare('SELECT count(*) AS n FROM orders').get()!.n, 500)
    database.close()
  })
})

suite('a decrypt test (promise 16)', () => {
  test('comes before the first backup, and is passed by who can read the word', async (t) => {
    const { world, mine } = await makeScene(t, { waive_decrypt_test: false })
    const refused = await world.backup()
    assert.deepEqual([refused.state, refused.fault?.code], ['failed', 'decrypt-untested'])
    assert.match(refused.fault!.hint!, /type decrypt-test shop/)
    assert.deepEqual(
      filesIn(world.storageDir).filter((name) => !name.endsWith('.json')),
      [],
    )
    assert.equal((await world.engine.strategies())[0]!.encryption?.untested, true)

    const word = decrypted((await world.engine.askDecryptTest('shop')).command, mine)
    const wrong = { strategy: 'shop', word: 'bababa' }
    await assert.rejects(world.engine.passDecryptTest(wrong, person), {
      code: 'usage',
      message: /not the word/,
    })
    await world.engine.passDecryptTest({ strategy: 'shop', word: ` ${word.toUpperCase()}\n` }, person)
    assert.equal((await world.engine.strategies())[0]!.encryption?.untested, false)
    await assert.rejects(world.engine.passDecryptTest({ strategy: 'shop', word }, person), {
      code: 'usage',
      message: /no word of shop is waited for/,
    })
    const acts = (await world.engine.audit({ limit: 10 })).filter(({ act }) => act === 'decrypt-test')
    assert.deepEqual(
      acts.map(({ result }) => result),
      ['done', 'failed'],
    )
    await made(world)
  })

  test('holds for its keys alone: with others it is asked again', async (t) => {
    const scene = await makeScene(t, { waive_decrypt_test: false })
    const pass = async (world: World, key: KeyPair): Promise<void> => {
      const word = decrypted((await world.engine.askDecryptTest('shop')).command, key)
      await world.engine.passDecryptTest({ strategy: 'shop', word }, person)
    }
    await pass(scene.world, scene.mine)
    const { command } = await scene.world.engine.askDecryptTest('shop')
    const world = await reopen(t, scene, {
      ...toRecipients(scene.mine, scene.other),
      waive_decrypt_test: false,
    })
    assert.equal((await world.backup()).fault?.code, 'decrypt-untested')
    const late = { strategy: 'shop', word: decrypted(command, scene.mine) }
    await assert.rejects(world.engine.passDecryptTest(late, person), {
      code: 'stale',
      message: /keys of shop were changed/,
    })
    await pass(world, scene.other)
    await made(world)
    const back = await reopen(
      t,
      { ...scene, world },
      { ...toRecipients(scene.mine), waive_decrypt_test: false },
    )
    await made(back)
  })
})

test('words for decrypt tests are encrypted one at a time, and beyond a few people are told to wait (promise 19)', async (t) => {
  const encryption = { type: 'gpg', passphrase: 'a long enough passphrase', waive_decrypt_test: true }
  const counting = { now: 0, most: 0 }
  const world = await makeWorld(t, {
    global: { encryption },
    adjust: (context) => ({ ...context, processes: counted(context.processes, counting) }),
  })
  const asked = await Promise.allSettled(Array.from({ length: 6 }, () => world.engine.askDecryptTest('shop')))
  const refused = asked.flatMap((each) => (each.status === 'rejected' ? [each.reason as Fault] : []))
  assert.deepEqual(
    refused.map(({ code }) => code),
    ['busy', 'busy'],
  )
  assert.equal(counting.most, 1)
})

/** The same processes, with how many ran at once. */
function counted(processes: Processes, counting: { now: number; most: number }): Processes {
  return {
    ...processes,
    join(...asked) {
      counting.most = Math.max(counting.most, ++counting.now)
      return processes.join(...asked).finally(() => counting.now--)
    },
  }
}

function decrypted(command: string, { file }: KeyPair): string {
  return execFileSync('sh', ['-c', command.replace('KEYFILE', file)])
    .toString()
    .trim()
}

test('looking at all backups without the key says which were only read again', async (t) => {
  const { world } = await makeScene(t)
  const id = await made(world)
  const run = await world.finish((await world.engine.startVerifyAll('shop', 'V2', person)).id)
  assert.deepEqual(run.verify?.all?.broken, [])
  assert.deepEqual(
    run.verify?.all?.unread.map(({ backup }) => backup),
    [id],
  )
  assert.match(run.verify!.all!.unread[0]!.why, /digest is right, but it was not decoded: .*no private key/)
})
