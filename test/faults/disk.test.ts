import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { recover } from '../../src/engine/recover.ts'
import { everythingIn, makeFolder } from '../support/local.ts'
import { needMount, needTrace, smallDisk } from '../support/small-disk.ts'
import { makeWorld, makeWorldFolder, openWorld } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const oneBackup = join(import.meta.dirname, 'one-backup.ts')

/** Which call fails, how, and at which of its occurrences: spread over the start, the dump, the upload and the ledger. */
const failures: [call: string, error: string, times: number[]][] = [
  ['fsync', 'EIO', [1, 2, 3, 5]],
  ['fdatasync', 'EIO', [1, 4, 8]],
  ['pwrite64', 'ENOSPC', [10, 40, 60]],
  ['pwrite64', 'EIO', [25]],
  ['link', 'ENOSPC', [1, 2]],
  ['rename', 'EIO', [1]],
  ['unlink', 'EIO', [1, 3]],
]

suite('a disk that fails under the real process (promises 2, 3, 6 and 7)', { concurrency: 2 }, () => {
  for (const [call, error, times] of failures)
    for (const time of times)
      test(
        `${error} from ${call} no. ${time} ends in a whole backup or none, and the next one works`,
        needTrace,
        (t) => surviveFailure(t, { call, error, time }),
      )
})

async function surviveFailure(
  t: TestContext,
  { call, error, time }: { call: string; error: string; time: number },
): Promise<void> {
  const folder = await makeWorldFolder(t)
  const before = await openWorld(folder)
  const earlier = await before.backup()
  await before.close()
  const inject = `inject=${call}:error=${error}:when=${time}`
  const strace = ['-f', '-qq', '--seccomp-bpf', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject]
  const said = await output('strace', [...strace, process.execPath, oneBackup, folder])
  t.diagnostic(said.trim().split('\n').at(-1) ?? 'it said nothing')
  const world = await makeWorld(t, { folder })
  await recover(world.context)
  for (const { id, state } of await world.engine.runs({ limit: 9 }))
    if (state === 'queued') await world.finish(id)
  await world.deliver()
  await assertWorld(world)
  assert.ok((await world.engine.backups({ limit: 9 })).some(({ id }) => id === earlier.backup?.id))
  assert.equal((await world.backup()).state, 'succeeded')
  await assertWorld(world)
}

function output(program: string, args: string[]): Promise<string> {
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' } // one thread does all file operations: `when` counts them all
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)))
  child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)))
  return new Promise((done) => child.once('close', () => done(said)))
}

suite('the state folder', () => {
  test(
    'its disk is full: what runs ends, and after there is room nothing is missing',
    needMount,
    async (t) => {
      const folder = await makeWorldFolder(t)
      const disk = await smallDisk(t, '4m')
      symlinkSync(disk, join(folder, 'state'))
      const world = await makeWorld(t, { folder })
      assert.equal((await world.backup()).state, 'succeeded')
      const { id } = await world.engine.startBackup('shop', {
        trigger: 'person',
        actor: { via: 'cli', id: 'ann' },
      })
      const ballast = join(disk, 'ballast')
      fillUp(ballast)
      const ended = world.finish(id).catch((error: Error) => error)
      await new Promise((next) => setTimeout(next, 1_500))
      rmSync(ballast)
      await ended
      await world.close()
      const again = await makeWorld(t, { folder })
      await recover(again.context)
      if ((await again.engine.run(id)).state === 'queued') await again.finish(id)
      await again.deliver()
      await assertWorld(again)
      assert.equal((await again.backup()).state, 'succeeded')
      await assertWorld(again)
    },
  )

  test('older than the storage, as after a restored snapshot: what was backed up since is found again', async (t) => {
    const folder = await makeWorldFolder(t)
    const world = await openWorld(folder)
    const first = await world.backup()
    await world.close()
    cpSync(join(folder, 'state'), join(folder, 'snapshot'), { recursive: true })
    const later = await openWorld(folder)
    const second = await later.backup()
    await later.close()
    rmSync(join(folder, 'state'), { recursive: true })
    renameSync(join(folder, 'snapshot'), join(folder, 'state'))
    const again = await makeWorld(t, { folder })
    await recover(again.context)
    const listed = (await again.engine.backups({ limit: 9 })).map(({ id }) => id)
    assert.deepEqual(listed.toSorted(), [first.backup!.id, second.backup!.id].toSorted())
    await assertWorld(again)
  })
})

suite('the storage folder', () => {
  test('replaced by a link to somewhere else: nothing is written there', async (t) => {
    const world = await makeWorld(t)
    assert.equal((await world.backup()).state, 'succeeded')
    const elsewhere = await makeFolder(t)
    writeFileSync(join(elsewhere, 'letter.txt'), 'private')
    renameSync(world.storageDir, `${world.storageDir}.real`)
    symlinkSync(elsewhere, world.storageDir)
    const run = await world.backup()
    assert.deepEqual([run.state, run.fault?.code], ['failed', 'storage-missing'])
    await recover(world.context)
    assert.deepEqual(await everythingIn(elsewhere), ['letter.txt'])
    rmSync(world.storageDir)
    renameSync(`${world.storageDir}.real`, world.storageDir)
    assert.equal((await world.backup()).state, 'succeeded')
    await world.deliver()
    await assertWorld(world)
  })

  test('a strategy’s folder replaced by a link: refused, and nothing is written or removed behind it', async (t) => {
    const world = await makeWorld(t)
    assert.equal((await world.backup()).state, 'succeeded')
    const elsewhere = await makeFolder(t)
    mkdirSync(join(elsewhere, '2026'))
    writeFileSync(join(elsewhere, '2026', 'letter.txt'), 'private')
    const strategy = join(world.storageDir, 'shop')
    renameSync(strategy, join(world.folder, 'kept'))
    symlinkSync(elsewhere, strategy)
    const run = await world.backup()
    assert.equal(run.state, 'failed', 'nothing is written through the link')
    await recover(world.context)
    assert.deepEqual(await everythingIn(elsewhere), ['2026/letter.txt'])
    rmSync(strategy)
    renameSync(join(world.folder, 'kept'), strategy)
    await world.deliver()
    await assertWorld(world, { skipStorage: true })
  })
})

function fillUp(path: string): void {
  for (let size = 1 << 20; size >= 512; size >>= 1)
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' })
    } catch {
      // smaller pieces fill the rest
    }
}
