import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFile, readdir, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { buffer } from 'node:stream/consumers'
import { markerKey } from '../../src/core/keys.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { bytesSpool } from '../../src/sys/spool.ts'
import { endProcess } from '../support/ended.ts'
import { everythingIn, makeFolder, makeLocal } from '../support/local.ts'
import { needMount, needTrace, smallDisk } from '../support/small-disk.ts'

const signal = new AbortController().signal
const oneOperation = join(import.meta.dirname, 'one-operation.ts')
const mib = 1024 * 1024

const needRoot = { skip: process.getuid?.() === 0 ? false : 'becoming another user needs root' }

suite('local: a full, failing or vanished disk (promises 2 and 7)', () => {
  test(
    'a full disk is told as such, nothing is left behind, and earlier objects are whole',
    needMount,
    async (t) => {
      const disk = await smallDisk(t, '2m')
      const storage = await makeLocal(t, disk)
      const earlier = Buffer.alloc(mib / 2, 'a')
      await storage.put('shop/1/dump', bytesSpool(earlier), { ifAbsent: true, signal })
      const before = await freeOf(disk)
      const late = storage.put('shop/2/dump', bytesSpool(Buffer.alloc(4 * mib)), { ifAbsent: true, signal })
      await assert.rejects(late, { code: 'disk-full', retry: false })
      assert.deepEqual(await everythingIn(disk), ['shop/1/dump'])
      assert.ok((await freeOf(disk)) >= before, 'the space came back')
      assert.ok(earlier.equals(await buffer(await storage.get('shop/1/dump', { signal }))))
      await storage.put('shop/3/dump', bytesSpool(earlier), { ifAbsent: true, signal })
    },
  )

  test('a disk mounted read-only is denied, with what to do', needMount, async (t) => {
    const disk = await smallDisk(t, '1m')
    const storage = await makeLocal(t, disk)
    await storage.put('a', bytesSpool(Buffer.from('x')), { ifAbsent: true, signal })
    execFileSync('mount', ['-o', 'remount,ro', disk])
    const denied = { code: 'storage-denied', message: /read-only/, hint: /mount/ }
    await assert.rejects(storage.put('b', bytesSpool(Buffer.from('x')), { ifAbsent: true, signal }), denied)
    await assert.rejects(storage.remove('a', signal), denied)
    assert.equal((await buffer(await storage.get('a', { signal }))).toString(), 'x')
    assert.equal((await storage.check(signal)).ok, false)
  })

  test('a disk that is no longer mounted shows by its missing marker', needMount, async (t) => {
    const disk = await smallDisk(t, '1m')
    const storage = await makeLocal(t, disk)
    await storage.put(markerKey, bytesSpool(Buffer.from('{}')), { ifAbsent: true, signal })
    execFileSync('umount', [disk])
    assert.equal(await storage.head(markerKey, signal), null)
  })

  test('a limit on file size is not mistaken for success', async (t) => {
    const root = await makeFolder(t)
    const fault = run(['prlimit', `--fsize=${mib}`], [root, 'shop/dump', `${3 * mib}`])
    assert.equal(fault.code, 'storage-denied')
    assert.deepEqual(await everythingIn(root), [])
  })

  test('a folder of another user is denied, with the command that helps', needRoot, async (t) => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
    const [program, ...rest] = nobody
    if (spawnSync(program!, [...rest, 'test', '-r', oneOperation, '-a', '-x', process.execPath]).status !== 0)
      return t.skip('the project lies in a folder that another user cannot read')
    const root = await makeFolder(t)
    const fault = run(nobody, [root, 'shop/dump', '5'])
    assert.equal(fault.code, 'storage-denied')
    assert.equal(fault.hint, `let this user write there: chown -R 65534 ${root}`)
    assert.deepEqual(await everythingIn(root), [])
  })

  for (const [call, error, code] of [
    ['fsync', 'EIO', 'disk-failed'],
    ['fsync', 'ENOSPC', 'disk-full'],
    ['fsync', 'EDQUOT', 'disk-full'],
    ['link', 'EIO', 'disk-failed'],
    ['link', 'ENOSPC', 'disk-full'],
    ['pwrite64', 'EIO', 'disk-failed'],
    ['pwrite64', 'ENOSPC', 'disk-full'],
  ] as const)
    test(`${error} from ${call} is ${code} and leaves nothing behind`, needTrace, async (t) => {
      const root = await makeFolder(t)
      const fault = run(failing(call, error, '1'), [root, 'shop/dump', `${mib + 1}`])
      assert.equal(fault.code, code, JSON.stringify(fault))
      assert.deepEqual(await everythingIn(root), [])
    })

  test('an object whose folder could not be synced is taken back', needTrace, async (t) => {
    const root = await makeFolder(t)
    const fault = run(failing('fsync', 'EIO', '2+'), [root, 'shop/dump', '5'])
    assert.equal(fault.code, 'disk-failed')
    assert.deepEqual(await everythingIn(root), [])
  })

  test('a file system that cannot sync folders is used all the same', needTrace, async (t) => {
    const root = await makeFolder(t)
    const receipt = run(failing('fsync', 'EINVAL', '2+'), [root, 'shop/dump', '5'])
    assert.equal(receipt.bytes, 5, JSON.stringify(receipt))
  })

  test('a file system without hard links never replaces an object either', needTrace, async (t) => {
    const root = await makeFolder(t)
    const noLinks = failing('link', 'EPERM', '1+')
    assert.equal(run(noLinks, [root, 'shop/dump', '5']).bytes, 5)
    assert.equal(run(noLinks, [root, 'shop/dump', '6']).code, 'storage-exists')
    assert.deepEqual(await everythingIn(root), ['shop/dump'])
  })

  test('the bytes are synced before the object shows, its folders before it counts', needTrace, async (t) => {
    const root = await makeFolder(t)
    const trace = join(await makeFolder(t), 'trace')
    run(['strace', '-f', '-y', '-o', trace, '-e', 'trace=pwrite64,fsync,link,unlink'], [root, 'a/dump', '5'])
    const calls = (await readFile(trace, 'utf8')).split('\n').filter((line) => line.includes(root))
    const names = calls.map((line) => /(\w+)\(/.exec(line)?.[1])
    const synced = calls.filter((line) => line.includes('fsync(')).map((line) => /<(.*?)>/.exec(line)?.[1])
    assert.deepEqual(names, ['pwrite64', 'fsync', 'link', 'unlink', 'fsync', 'fsync'])
    assert.match(synced[0]!, /\.partial-/)
    assert.deepEqual(synced.slice(1), [join(root, 'a'), root])
  })

  test('a removal is durable before it counts, also one that was begun earlier', needTrace, async (t) => {
    const root = await makeFolder(t)
    const trace = join(await makeFolder(t), 'trace')
    run([], [root, 'a/manifest.json', '5'])
    run([], [root, 'a/dump', '5'])
    for (const time of ['first', 'second']) {
      run(
        ['strace', '-f', '-y', '-o', trace, '-e', 'trace=fsync,unlink'],
        [root, 'a/manifest.json', 'remove'],
      )
      const calls = (await readFile(trace, 'utf8')).split('\n').filter((line) => line.includes(`${root}/a`))
      assert.deepEqual(
        calls.map((line) => /(\w+)\(/.exec(line)?.[1]),
        ['unlink', 'fsync'],
        `the ${time} time`,
      )
    }
  })

  test('kill -9 while an object is written leaves only what the sweep removes', async (t) => {
    const root = await makeFolder(t)
    const child = spawn(process.execPath, [oneOperation, root, 'shop/1/dump', 'endless'])
    t.after(() => endProcess(child))
    while ((await readdir(root, { recursive: true })).length < 3) await systemClock.sleep(10)
    await endProcess(child)
    const storage = await makeLocal(t, root)
    assert.deepEqual((await storage.list('', null, signal)).objects, [])
    assert.equal(await storage.sweep({ olderThan: systemClock.now() + 1_000, isOurs: () => true }, signal), 1)
    assert.deepEqual(await everythingIn(root), [])
  })
})

interface Said {
  code?: string
  hint?: string
  bytes?: number
}

/** One thread does all file operations, so that `when` counts them all. */
function run(prefix: string[], args: string[]): Said {
  const [program, ...rest] = [...prefix, process.execPath, oneOperation, ...args]
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
  return JSON.parse(execFileSync(program!, rest, { encoding: 'utf8', stdio: 'pipe', env })) as Said
}

/** @param when which calls of it fail, as strace counts them */
function failing(call: string, error: string, when: string): string[] {
  const inject = `inject=${call}:error=${error}:when=${when}`
  return ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', inject]
}

async function freeOf(disk: string): Promise<number> {
  const { bfree, bsize } = await statfs(disk)
  return bfree * bsize
}
