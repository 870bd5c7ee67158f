import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { watch } from 'node:fs'
import { chmod, chown, mkdir, rename, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { buffer } from 'node:stream/consumers'
import type { Fault } from '../../src/core/faults.ts'
import { sftp } from '../../src/storages/sftp/index.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { bytesSpool } from '../../src/sys/spool.ts'
import { everythingIn, makeFolder } from '../support/local.ts'
import { startSftp, type SftpServer } from '../support/sftp.ts'
import { needMount, smallDisk } from '../support/small-disk.ts'
import { makeKey } from '../support/sshd.ts'
import { startWeir, type Weir } from '../support/weir.ts'

const signal = new AbortController().signal
const mib = 1024 * 1024
const key = 'shop/1/dump'
const lockName = `.partial-lock-${createHash('sha256').update('dump').digest('hex').slice(0, 32)}`
const bytes = Buffer.alloc(5 * mib + 7, Buffer.from(Array.from({ length: 251 }, (_, at) => at)))
const needRoot = { skip: process.getuid?.() === 0 ? false : 'giving folders away needs root' }

const put = (storage: Storage, body: Buffer, at = key, ifAbsent = true) =>
  storage.put(at, bytesSpool(body), { ifAbsent, signal })

suite('sftp: when things go wrong', () => {
  let server: SftpServer
  before(async () => void (server = await startSftp()))
  after(() => server.close())

  async function behindWeir(t: TestContext): Promise<{ weir: Weir; storage: Storage; folder: string }> {
    const weir = await startWeir(server.sshd.port)
    t.after(() => weir.close())
    const folder = await server.folder()
    return { weir, folder, storage: await server.open(folder, { options: { port: weir.port } }) }
  }

  async function withoutLinks(t: TestContext): Promise<SftpServer> {
    const plain = await startSftp({ withoutSftp: ['hardlink'] })
    t.after(() => plain.close())
    return plain
  }

  test('an upload whose connection is cut again and again goes on where it was, and is whole', async (t) => {
    const { weir, storage, folder } = await behindWeir(t)
    let cuts = 0
    const onState = (sent: number): void => {
      if (sent <= cuts * 1.5 * mib || cuts === 3) return
      cuts++
      weir.cut()
    }
    const receipt = await storage.put(key, bytesSpool(bytes), { ifAbsent: true, onState, signal })
    assert.deepEqual([receipt.bytes, cuts], [bytes.length, 3])
    assert.ok(bytes.equals(await buffer(await storage.get(key, { signal }))))
    assert.deepEqual(await everythingIn(folder), [key])
  })

  test('a read whose connection is cut goes on where it was', async (t) => {
    const { weir, storage } = await behindWeir(t)
    await put(storage, bytes)
    const chunks: Buffer[] = []
    for await (const chunk of await storage.get(key, { signal })) {
      if (chunks.push(chunk as Buffer) % 40 === 20) weir.cut()
    }
    assert.ok(bytes.equals(Buffer.concat(chunks)))
  })

  test('a server that is gone is unreachable, for whatever is asked', async () => {
    const storage = await server.open('/x', { options: { port: 1 }, limits: { tries: 2 } })
    for (const operation of [
      () => put(storage, bytes),
      () => storage.head(key, signal),
      () => storage.list('', null, signal),
    ])
      await assert.rejects(operation(), { code: 'storage-unreachable', message: /refused/ })
    assert.equal((await storage.check(signal)).ok, false)
  })

  test('a server that answers no more is given up, and a new connection is tried', async (t) => {
    const { weir, folder } = await behindWeir(t)
    const storage = await server.open(folder, {
      options: { port: weir.port },
      limits: { stallMs: 400, connectMs: 3_000 },
    })
    await storage.head(key, signal)
    weir.holdAfter(0)
    const looking = storage.head(key, signal)
    setTimeout(() => weir.release(), 1_500)
    assert.equal(await looking, null)
  })

  test('who is cancelled does not wait for a server that answers no more', { timeout: 60_000 }, async (t) => {
    const { weir, folder } = await behindWeir(t)
    const limits = { stallMs: 3_600_000, endMs: 200 }
    const storage = await server.open(folder, { options: { port: weir.port }, limits })
    await put(storage, bytes, 'whole')
    const acts: [(cancel: AbortSignal) => Promise<unknown>, number][] = [
      [(cancel) => storage.head('whole', cancel), 0], // an answer is a few hundred bytes
      [async (cancel) => buffer(await storage.get('whole', { signal: cancel })), 1_500],
      [(cancel) => storage.put(key, bytesSpool(bytes), { ifAbsent: true, signal: cancel }), 1_500],
    ]
    for (const [begin, answered] of acts) {
      const cancel = new AbortController()
      weir.holdAfter(answered)
      setTimeout(() => cancel.abort(new Error('somebody cancelled')), 200)
      await assert.rejects(begin(cancel.signal), /somebody cancelled/)
      weir.release()
    }
  })

  test('another host key than the one of fingerprint is refused before the password is sent', async () => {
    const fingerprint = `SHA256:${'A'.repeat(43)}`
    const storage = await server.open(await server.folder(), { options: { fingerprint } })
    const shown = await server.sshd.fingerprint()
    await assert.rejects(storage.head(key, signal), (fault: Fault) => {
      assert.deepEqual([fault.code, fault.hint?.includes(shown)], ['storage-denied', true])
      return true
    })
  })

  test('a login that is refused is told without the password', async () => {
    const options = { private_key_file: undefined, password: 'sesame-canary' }
    const storage = await server.open(await server.folder(), { options })
    const { ok, text, hint } = await storage.check(signal)
    assert.deepEqual([ok, /refused the (login|password)/.test(text)], [false, true], text)
    assert.ok(!`${text} ${hint} ${storage.location}`.includes('canary'))
  })

  test(
    'a full disk is told as such, nothing is left behind, and earlier objects are whole',
    needMount,
    async (t) => {
      const disk = await smallDisk(t, '3m')
      const { account } = server.sshd
      if (account) await chown(disk, account.uid, account.gid)
      const storage = await server.open(disk)
      const earlier = Buffer.alloc(mib / 2, 'a')
      await put(storage, earlier, 'shop/0/dump')
      await assert.rejects(put(storage, bytes), { code: 'disk-full', retry: false })
      assert.deepEqual(await everythingIn(disk), ['shop/0/dump'])
      assert.ok(earlier.equals(await buffer(await storage.get('shop/0/dump', { signal }))))
      execFileSync('mount', ['-o', 'remount,ro', disk])
      await assert.rejects(put(storage, Buffer.from('x')), { code: 'storage-denied', message: /read-only/ })
    },
  )

  test('a folder of somebody else is denied, with what helps', needRoot, async () => {
    const folder = await server.folder()
    await chown(folder, 0, 0)
    await chmod(folder, 0o755)
    const storage = await server.open(folder)
    await assert.rejects(put(storage, Buffer.from('x')), { code: 'storage-denied', hint: /chown/ })
    assert.deepEqual(await everythingIn(folder), [])
  })

  test('a symbolic link in the way is never followed', async (t) => {
    const outside = await makeFolder(t)
    await chmod(outside, 0o777)
    await mkdir(join(outside, '1'))
    await writeFile(join(outside, '1', 'dump'), 'secret')
    const folder = await server.folder()
    const storage = await server.open(folder)
    await put(storage, Buffer.from('x'), 'other')
    await symlink(outside, join(folder, 'shop'))
    await symlink(join(outside, '1', 'dump'), join(folder, 'link'))
    const denied = { code: 'storage-denied', message: /symbolic link/ }
    await assert.rejects(put(storage, Buffer.from('x')), denied)
    await assert.rejects(storage.get(key, { signal }), denied)
    await assert.rejects(storage.remove(key, signal), denied)
    await assert.rejects(storage.get('link', { signal }), denied)
    assert.equal(await storage.head('link', signal), null)
    const { objects } = await storage.list('', null, signal)
    assert.deepEqual(
      objects.map(({ key }) => key),
      ['other'],
    )
    assert.deepEqual(await everythingIn(outside), ['1/dump'])
  })

  test('a place that goes away between two operations is missing, not empty', async () => {
    const folder = await server.folder()
    const storage = await server.open(folder)
    await put(storage, Buffer.from('x'))
    await rename(folder, `${folder}-gone`)
    for (const operation of [
      () => storage.head(key, signal),
      () => storage.list('', null, signal),
      () => storage.get(key, { signal }),
    ])
      await assert.rejects(operation(), { code: 'storage-missing' })
  })

  test('servers without the extensions of OpenSSH never replace an object either', async (t) => {
    const without = ['hardlink', 'posix-rename', 'fsync', 'statvfs', 'limits']
    const plain = await startSftp({ withoutSftp: without })
    t.after(() => plain.close())
    const folder = await plain.folder()
    const storage = await plain.open(folder)
    const all = await Promise.allSettled(
      Array.from({ length: 8 }, (_, at) => put(storage, Buffer.alloc(50_000 + at, at))),
    )
    assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
    await assert.rejects(put(storage, Buffer.from('x')), { code: 'storage-exists' })
    await put(storage, Buffer.from('new'), key, false)
    assert.equal((await buffer(await storage.get(key, { signal }))).toString(), 'new')
    assert.deepEqual(await everythingIn(folder), [key])
  })

  test('without hard links, objects of the same last name never wait for or refuse each other', async (t) => {
    const plain = await withoutLinks(t)
    const folder = await plain.folder()
    const storage = await plain.open(folder)
    const keys = ['shop', 'blog', 'crm', 'wiki'].flatMap((name) =>
      Array.from({ length: 5 }, (_, at) => `${name}/${at}/manifest.json`),
    )
    await Promise.all(keys.map((at) => put(storage, Buffer.from(at), at)))
    assert.deepEqual((await everythingIn(folder)).toSorted(), keys.toSorted())
  })

  test('without hard links, a lock that a dead process left is removed once it is old', async (t) => {
    const plain = await withoutLinks(t)
    const folder = await plain.folder()
    const lock = join(folder, lockName)
    const writeLock = async (seconds: number): Promise<void> => {
      await writeFile(lock, '.partial-of-somebody')
      await chown(lock, plain.sshd.account?.uid ?? -1, plain.sshd.account?.gid ?? -1)
      const then = Date.now() / 1000 - seconds
      await utimes(lock, then, then)
    }
    await writeLock(3_600)
    await put(await plain.open(folder), Buffer.from('x'), 'dump')
    assert.deepEqual(await everythingIn(folder), ['dump'])
    await plain.open(folder).then((storage) => storage.remove('dump', signal))
    await writeLock(-3_600) // never old
    const storage = await plain.open(folder, { limits: { lockMs: 100 } })
    await assert.rejects(put(storage, Buffer.from('x'), 'dump'), { code: 'storage-unreachable', retry: true })
    assert.deepEqual(await everythingIn(folder), [lockName])
  })

  test('without hard links, a connection cut while the lock is held costs nothing', async (t) => {
    const plain = await withoutLinks(t)
    const weir = await startWeir(plain.sshd.port)
    t.after(() => weir.close())
    const folder = await plain.folder()
    const storage = await plain.open(folder, { options: { port: weir.port }, limits: { lockMs: 1_000 } })
    let cut = false
    const watcher = watch(folder, (_event, name) => {
      if (cut || !name?.startsWith('.partial-lock-')) return
      cut = true
      weir.cut()
    })
    t.after(() => watcher.close())
    const keys = Array.from({ length: 2 }, (_, at) => `shop/${at}/manifest.json`)
    for (const at of keys) {
      cut = false
      await put(storage, Buffer.from(at), at)
    }
    assert.deepEqual((await everythingIn(folder)).toSorted(), keys)
  })

  test('a key with a passphrase, and a file of known hosts, are enough', async (t) => {
    const folder = await makeFolder(t)
    const pair = await makeKey(join(folder, 'locked'), { passphrase: 'open sesame' })
    await server.sshd.authorize(pair.publicKey)
    const known = join(folder, 'known_hosts')
    await writeFile(known, `[127.0.0.1]:${server.sshd.port} ${await server.sshd.hostKey()}\n`)
    const options = {
      private_key_file: pair.path,
      passphrase: 'open sesame',
      fingerprint: undefined,
      known_hosts: known,
    }
    const storage = await server.open(await server.folder(), { options })
    assert.deepEqual(await storage.check(signal), {
      ok: true,
      text: `${storage.location}: wrote, read, listed and removed an object`,
      hint: null,
    })
  })

  test('mistakes in the options are told before anything is asked', () => {
    const fine = { host: 'h', user: 'u', path: '/b', password: 'p', fingerprint: `SHA256:${'A'.repeat(43)}` }
    assert.equal(sftp.judge(fine), null)
    for (const [wrong, words] of [
      [{ ...fine, fingerprint: undefined }, /neither fingerprint nor known_hosts/],
      [{ ...fine, known_hosts: '/k' }, /both there/],
      [{ ...fine, password: undefined }, /nothing to log in with/],
      [{ ...fine, passphrase: 'x' }, /belongs to a key/],
      [{ ...fine, path: '/a/../b' }, /not a folder/],
    ] as const)
      assert.match(sftp.judge(wrong)?.mistake ?? '', words)
  })
})
