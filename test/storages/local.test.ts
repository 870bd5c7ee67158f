import assert from 'node:assert/strict'
import { mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { markerKey } from '../../src/core/keys.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { local } from '../../src/storages/local/index.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { bytesSpool, createFileSpool } from '../../src/sys/spool.ts'
import { storageContract } from '../contracts/storage.ts'
import { everythingIn, makeFolder, makeLocal } from '../support/local.ts'

const signal = new AbortController().signal
const text = (words: string): ReturnType<typeof bytesSpool> => bytesSpool(Buffer.from(words))
const keys = async (storage: Storage): Promise<string[]> =>
  (await storage.list('', null, signal)).objects.map(({ key }) => key)

storageContract({
  kind: 'local',
  make: async (t) => {
    const storage = await makeLocal(t)
    return { storage, everything: () => everythingIn(storage.location) }
  },
  missing: async (t) => makeLocal(t, join(await makeFolder(t), 'not-mounted')),
})

test('a dump on the same file system is not written twice: the object is the spool’s own file', async (t) => {
  const storage = await makeLocal(t)
  const spool = await createFileSpool(join(await makeFolder(t), 'spool'), systemClock)
  const stored = storage.put('shop/dump', spool, { ifAbsent: true, signal })
  await writeFile(spool.path, 'all of it')
  await spool.finish()
  assert.equal((await stored).bytes, 9)
  const [object, file] = await Promise.all(
    [join(storage.location, 'shop/dump'), spool.path].map((path) => stat(path)),
  )
  assert.equal(object!.ino, file!.ino)
  await spool.close()
  await rm(spool.path)
  assert.equal(await readFile(join(storage.location, 'shop/dump'), 'utf8'), 'all of it')
})

suite('local: symbolic links', () => {
  /** A storage whose folder `shop` leads to a folder outside that holds `secret`. */
  async function withLink(t: TestContext): Promise<{ storage: Storage; outside: string }> {
    const folder = await makeFolder(t)
    const [root, outside] = [join(folder, 'root'), join(folder, 'outside')]
    for (const path of [root, outside]) await mkdir(path)
    await writeFile(join(outside, 'secret'), 'not yours')
    await symlink(outside, join(root, 'shop'))
    return { storage: await makeLocal(t, root), outside }
  }

  test('no operation follows a link out of the storage', async (t) => {
    const { storage, outside } = await withLink(t)
    const denied = { code: 'storage-denied' }
    for (const key of ['shop/secret', 'shop/new/deep/dump']) {
      await assert.rejects(storage.put(key, text('x'), { ifAbsent: false, signal }), denied)
      if (key === 'shop/new/deep/dump') continue // nothing lies there, so there is nothing to refuse
      await assert.rejects(storage.get(key, { signal }), denied)
      await assert.rejects(storage.head(key, signal), denied)
      await assert.rejects(storage.remove(key, signal), denied)
    }
    assert.deepEqual(await keys(storage), [])
    assert.deepEqual(await everythingIn(outside), ['secret'])
    assert.equal(await readFile(join(outside, 'secret'), 'utf8'), 'not yours')
  })

  test('a link in the place of an object is never read, only replaced', async (t) => {
    const { storage, outside } = await withLink(t)
    await symlink(join(outside, 'secret'), join(storage.location, 'dump'))
    await assert.rejects(storage.get('dump', { signal }), { code: 'storage-denied' })
    assert.equal(await storage.head('dump', signal), null)
    await assert.rejects(storage.put('dump', text('x'), { ifAbsent: true, signal }), {
      code: 'storage-exists',
    })
    await storage.put('dump', text('ours'), { ifAbsent: false, signal })
    assert.equal((await storage.head('dump', signal))?.bytes, 4)
    assert.equal(await readFile(join(outside, 'secret'), 'utf8'), 'not yours')
  })

  test('sweeping does not follow a link either', async (t) => {
    const { storage, outside } = await withLink(t)
    await writeFile(join(outside, '.partial-abc'), '')
    assert.equal(await storage.sweep({ olderThan: Date.now() + 60_000, isOurs: () => true }, signal), 0)
    assert.deepEqual(await everythingIn(outside), ['.partial-abc', 'secret'])
  })

  test('the storage’s own folder may be a link', async (t) => {
    const folder = await makeFolder(t)
    await mkdir(join(folder, 'disk'))
    await symlink(join(folder, 'disk'), join(folder, 'backups'))
    const storage = await makeLocal(t, join(folder, 'backups'))
    await storage.put('a/b', text('x'), { ifAbsent: true, signal })
    assert.deepEqual(await everythingIn(join(folder, 'disk')), ['a/b'])
    assert.deepEqual(await keys(storage), ['a/b'])
  })
})

suite('local: the folder', () => {
  test('objects and folders can be read by nobody else', async (t) => {
    const storage = await makeLocal(t)
    await storage.put('shop/2026/dump', text('x'), { ifAbsent: true, signal })
    const mode = async (path: string): Promise<number> =>
      (await stat(join(storage.location, path))).mode & 0o777
    assert.deepEqual([await mode('shop/2026/dump'), await mode('shop'), await mode('shop/2026')], [
      0o600, 0o700, 0o700,
    ]) // prettier-ignore
  })

  test('a file where the folder should be is a missing storage', async (t) => {
    const path = join(await makeFolder(t), 'file')
    await writeFile(path, '')
    const storage = await makeLocal(t, path)
    await assert.rejects(storage.head(markerKey, signal), { code: 'storage-missing' })
  })

  test('a folder below an object is refused, and an object in the place of a folder', async (t) => {
    const storage = await makeLocal(t)
    await storage.put('a/b', text('x'), { ifAbsent: true, signal })
    for (const [key, ifAbsent] of [
      ['a/b/c', true],
      ['a/b/c', false],
      ['a', true],
      ['a', false],
    ] as const)
      // prettier-ignore
      await assert.rejects(storage.put(key, text('y'), { ifAbsent, signal }), { code: 'storage-exists' })
    assert.deepEqual(await everythingIn(storage.location), ['a/b'])
  })

  test('what somebody else put there is not listed when no key can name it', async (t) => {
    const storage = await makeLocal(t)
    await mkdir(join(storage.location, 'lost+found'), { mode: 0 })
    await writeFile(join(storage.location, 'my notes.txt'), '')
    await storage.put('a', text('x'), { ifAbsent: true, signal })
    assert.deepEqual(await keys(storage), ['a'])
    assert.equal(await storage.sweep({ olderThan: Date.now() + 60_000, isOurs: () => true }, signal), 0)
  })

  test('a key that looks like an unfinished upload is refused, for it would be swept', async (t) => {
    const storage = await makeLocal(t)
    for (const key of ['.partial-1', 'a/.partial-1', '.partial-1/a'])
      await assert.rejects(storage.put(key, text('x'), { ifAbsent: true, signal }), { code: 'usage' })
  })

  test('the root of the file system is a mistake in the configuration', () => {
    for (const path of ['/', '//', '/tmp/..']) assert.ok(local.judge({ path }), path)
    for (const path of ['/mnt/backups', './data']) assert.equal(local.judge({ path }), null, path)
  })
})
