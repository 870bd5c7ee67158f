import assert from 'node:assert/strict'
import { execFileSync, spawn, type ExecFileSyncOptions } from 'node:child_process'
import { copyFileSync, mkdirSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import type { RunView } from '../../src/core/model.ts'
import { recover } from '../../src/engine/recover.ts'
import { readWhole, writeWhole } from '../../src/engine/whole.ts'
import { makeKey, readable, restore, toRecipients } from '../support/encrypted.ts'
import { gpgRecipients } from '../support/keys.ts'
import { severalPlaces } from '../support/places.ts'
import { needTrace } from '../support/small-disk.ts'
import { makeWorld, makeWorldFolder, openWorld, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

/** Of the configuration; null: none. */
type Settings = Record<string, unknown> | null

const settings = (encryption: Settings) => ({ compression: 'none', ...(encryption && { encryption }) })

/** A dump that its place did not take. */
async function keptWith(
  t: TestContext,
  encryptionIn: (folder: string) => Settings,
): Promise<{ folder: string; run: RunView; place: string }> {
  const folder = await makeWorldFolder(t)
  const { away, options, dir } = severalPlaces(folder, ['disk'], settings(encryptionIn(folder)))
  await mkdir(dir('disk'))
  const world = await openWorld(folder, options)
  away.add('disk')
  const run = await world.backup()
  assert.ok(run.kept, run.fault?.text ?? '')
  await world.close()
  return { folder, run, place: dir('disk') }
}

/** The next start, with another configuration and all places there. */
async function startedWith(t: TestContext, folder: string, encryption: Settings): Promise<World> {
  const world = await openWorld(folder, severalPlaces(folder, ['disk'], settings(encryption)).options)
  t.after(() => world.close())
  return world
}

async function retry(world: World): Promise<RunView> {
  const { id } = await world.engine.startBackup('shop', { trigger: 'retry', actor: person })
  return world.finish(id)
}

suite('a kept dump, after its encryption was changed', () => {
  test('is not sent in the clear: Retry dumps again, encrypted, and says so', async (t) => {
    const { folder, run, place } = await keptWith(t, () => null)
    const world = await startedWith(t, folder, toRecipients(makeKey(folder, 'mine')))
    const sent = await retry(world)
    assert.equal(sent.state, 'succeeded', sent.fault?.text ?? '')
    assert.notEqual(sent.backupId, run.kept!.backup)
    assert.deepEqual(readable([place], [/item 499/]), [])
    assert.match(await world.engine.runLog(sent.id), /encryption of shop was changed.*dumping again/)
    assert.equal((await world.engine.run(run.id)).kept, null)
    assert.deepEqual(await readdir(world.tempDir), [])
    await assertWorld(world)
  })

  test('is not sent past the decrypt test, and stays for the day', async (t) => {
    const { folder, run } = await keptWith(t, () => null)
    const encryption = { ...toRecipients(makeKey(folder, 'mine')), waive_decrypt_test: false }
    const world = await startedWith(t, folder, encryption)
    const sent = await retry(world)
    assert.deepEqual([sent.state, sent.fault?.code], ['failed', 'decrypt-untested'])
    assert.deepEqual((await world.engine.run(run.id)).kept, run.kept)
    await assertWorld(world)
  })

  test('is not sent to a recipient who was removed, or with a passphrase that was changed', async (t) => {
    const changes: ((folder: string) => [before: Settings, now: Settings])[] = [
      (folder) => {
        const [mine, other] = [makeKey(folder, 'mine'), makeKey(folder, 'other')]
        return [toRecipients(mine, other), toRecipients(mine)]
      },
      () => {
        const words = (passphrase: string) => ({ type: 'gpg', passphrase, waive_decrypt_test: true })
        return [words('the first of two long passphrases'), words('the second of two long passphrases')]
      },
    ]
    for (const change of changes) {
      let now: Settings = null
      const { folder, run } = await keptWith(t, (at) => {
        const [before, after] = change(at)
        now = after
        return before
      })
      const world = await startedWith(t, folder, now)
      const sent = await retry(world)
      assert.equal(sent.state, 'succeeded', sent.fault?.text ?? '')
      assert.notEqual(sent.backupId, run.kept!.backup)
      await assertWorld(world)
    }
  })

  test('is dumped again by its own run, too, that goes on after a crash', async (t) => {
    const { folder, run, place } = await keptWith(t, () => null)
    const world = await startedWith(t, folder, toRecipients(makeKey(folder, 'mine')))
    const kept = join(world.tempDir, run.id)
    await writeWhole(kept, { ...(await readWhole(kept))!, until: null })
    await world.context.database.write((tx) =>
      tx
        .updateTable('runs')
        .set({ state: 'queued', ended_at: null, result: null, fault: null })
        .where('id', '=', run.id)
        .execute(),
    )
    const again = await world.finish(run.id)
    assert.equal(again.state, 'succeeded', again.fault?.text ?? '')
    assert.deepEqual(readable([place], [/item 499/]), [])
  })
})

suite('a kept encrypted dump, which is two objects,', { concurrency: 2 }, () => {
  test('is whole, and its run’s, when Retry cannot take over all of it', async (t) => {
    const mine = makeKey(await makeWorldFolder(t), 'mine')
    const { folder, run } = await keptWith(t, () => toRecipients(mine))
    const world = await startedWith(t, folder, toRecipients(mine))
    const { id } = await world.engine.startBackup('shop', { trigger: 'retry', actor: person })
    const inTheWay = join(world.tempDir, id, 'spool-details')
    mkdirSync(inTheWay, { recursive: true })
    const refused = await world.finish(id)
    assert.deepEqual([refused.state, refused.kept], ['failed', null])
    assert.deepEqual((await world.engine.run(run.id)).kept, run.kept)
    assert.equal((await retry(world)).backupId, run.kept!.backup)
    await assertWorld(world)
  })

  const kills = [
    ['link', 2], // between the two
    ['rename', 1], // before whole.json is there
    ['unlink', 2], // while the former folder goes
  ] as const
  for (const [call, time] of kills)
    test(`survives kill -9 at ${call} no. ${time} of a Retry`, needTrace, async (t) => {
      const mine = makeKey(await makeWorldFolder(t), 'mine')
      const { folder, run } = await keptWith(t, () => toRecipients(mine))
      await killed({ call, time }, [retryAlone, folder, JSON.stringify(settings(toRecipients(mine)))])
      const world = await startedWith(t, folder, toRecipients(mine))
      await recover(world.context)
      for (const { id } of await world.engine.runs({ limit: 9, state: 'queued' })) await world.finish(id)
      const stored = async (): Promise<string[]> =>
        (await world.engine.backups({ limit: 9 })).map(({ id }) => id)
      if ((await stored()).length === 0) await retry(world)
      assert.deepEqual(await stored(), [run.kept!.backup])
      assert.deepEqual(await readdir(world.tempDir), [])
      await assertWorld(world)
    })
})

const retryAlone = join(import.meta.dirname, '../support/retry-alone.ts')

function killed({ call, time }: { call: string; time: number }, args: string[]): Promise<void> {
  const inject = `inject=${call}:signal=KILL:when=${time}`
  const strace = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject]
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' } // `when` counts the calls of each thread
  const child = spawn('strace', [...strace, process.execPath, ...args], { env, stdio: 'ignore' })
  return new Promise((done) =>
    child.once('close', (_code, signal) => {
      assert.equal(signal, 'SIGKILL', 'it was killed')
      done()
    }),
  )
}

suite('a decrypt test that is missing', () => {
  test('is said in the plan of a restore in place, before anybody confirms', async (t) => {
    const folder = await makeWorldFolder(t)
    const [first, second] = [makeKey(folder, 'first'), makeKey(folder, 'second')]
    const before = await openWorld(folder, { global: settings(toRecipients(first)) })
    const backup = (await before.backup()).backup!.id
    await before.close()
    const encryption = { ...toRecipients(second), waive_decrypt_test: false }
    const world = await openWorld(folder, { global: settings(encryption) })
    t.after(() => world.close())
    const plain = { strategy: 'shop', targetDb: null, targetUrl: null, noOwner: false, reason: 'bad day' }
    const ask = { ...plain, backup, keyFile: first.file }
    const { plan } = await world.engine.planRestore({ ...ask, inPlace: true }, person)
    assert.equal(plan.blockers.length, 1)
    assert.match(plan.blockers[0]!, /safety backup.*type decrypt-test shop/)
    await assert.rejects(restore(world, { ...ask, inPlace: true, typed: plan.target.name }), {
      code: 'target-invalid',
      message: /type decrypt-test shop/,
    })
    assert.deepEqual((await world.engine.planRestore(ask, person)).plan.blockers, [])
  })

  test('is missing again once the file of a gpg recipient holds another key, also under a running service', async (t) => {
    const folder = await makeWorldFolder(t)
    const [tested, other] = [gpgRecipients(folder).encryption, gpgRecipients(folder).encryption]
    const file = join(folder, 'recipient.asc')
    copyFileSync(tested.recipients[0]!, file)
    const world = await makeWorld(t, { folder, global: { encryption: { type: 'gpg', recipients: [file] } } })
    const { command } = await world.engine.askDecryptTest('shop')
    const word = decryptedBy(tested.identityFile!, command, join(folder, 'home'))
    await world.engine.passDecryptTest({ strategy: 'shop', word }, person)
    assert.equal((await world.backup()).state, 'succeeded')
    copyFileSync(other.recipients[0]!, file)
    assert.equal((await world.backup()).fault?.code, 'decrypt-untested')
    assert.equal((await world.engine.strategies())[0]!.encryption?.untested, true)
  })
})

/** Whoever has the private key types the command. */
function decryptedBy(identityFile: string, command: string, home: string): string {
  mkdirSync(home, { mode: 0o700 })
  const quiet: ExecFileSyncOptions = { stdio: ['ignore', 'pipe', 'ignore'] }
  try {
    execFileSync('gpg', ['--homedir', home, '--batch', '--import', identityFile], quiet)
    return execFileSync('sh', ['-c', command], { ...quiet, env: { ...process.env, GNUPGHOME: home } })
      .toString()
      .trim()
  } finally {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent'])
  }
}
