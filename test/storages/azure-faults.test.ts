import assert from 'node:assert/strict'
import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob'
import type { IncomingMessage } from 'node:http'
import { after, before, suite, test, type TestContext } from 'node:test'
import { buffer } from 'node:stream/consumers'
import type { Fault } from '../../src/core/faults.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { azure } from '../../src/storages/azure/index.ts'
import { bytesSpool, type Spool } from '../../src/sys/spool.ts'
import { startAzurite, type Azurite } from '../support/azurite.ts'
import { startRelay, type Relay, type Twist } from '../support/relay.ts'

const signal = new AbortController().signal
const mib = 1024 * 1024
const key = 'shop/1/dump'
const busy: Twist = { status: 503, headers: { 'x-ms-error-code': 'ServerBusy' } }

suite('azure: when things go wrong', () => {
  let server: Azurite
  before(async () => void (server = await startAzurite()))
  after(() => server.close())

  interface Scene {
    storage: Storage
    relay: Relay
    names(): Promise<string[]>
  }

  async function scene(t: TestContext, options: Record<string, unknown> = {}): Promise<Scene> {
    const relay = await startRelay(Number(new URL(server.endpoint).port))
    t.after(() => relay.close())
    const container = await server.container()
    const endpoint = `http://127.0.0.1:${relay.port}/${server.account}`
    const limits = { blockBytes: mib, tries: 4, endMs: 60_000 }
    return {
      relay,
      storage: server.open(container, { options: { endpoint, ...options }, limits }),
      names: () => server.names(container),
    }
  }
  const credential = (): StorageSharedKeyCredential =>
    new StorageSharedKeyCredential(server.account, server.accountKey)
  const put = (storage: Storage, bytes: Buffer, ifAbsent = true) =>
    storage.put(key, bytesSpool(bytes), { ifAbsent, signal })
  const asks =
    (method: string, part = '') =>
    (request: IncomingMessage): boolean =>
      request.method === method && request.url!.includes(part)
  const bytes = Buffer.alloc(3 * mib + 5, 'x')

  test('a burst of 503 and a lost answer to any step are survived, and the object is whole', async (t) => {
    for (const [method, part, twist] of [
      ['PUT', 'comp=block&', busy],
      ['PUT', 'comp=blocklist', busy],
      ['PUT', 'comp=block&', 'lost'],
      ['PUT', 'comp=blocklist', 'lost'],
      ['HEAD', '', busy],
      ['GET', '', 'lost'],
    ] as const) {
      const { storage, relay, names } = await scene(t)
      relay.twist({ fits: asks(method, part), times: 2, twist })
      assert.equal((await put(storage, bytes)).bytes, bytes.length, part)
      assert.ok(bytes.equals(await buffer(await storage.get(key, { signal }))))
      assert.deepEqual(await names(), ['backups/shop/shop/1/dump'])
    }
  })

  test('the lost answer to a small object that was stored is no failure', async (t) => {
    const { storage, relay } = await scene(t)
    relay.twist({ fits: asks('PUT'), twist: 'lost' })
    assert.equal((await put(storage, Buffer.from('small'))).bytes, 5)
  })

  test('a server that stays busy is unreachable, and nothing is left behind', async (t) => {
    const { storage, relay, names } = await scene(t)
    relay.twist({ fits: asks('PUT', 'comp=block&'), times: 99, twist: busy })
    await assert.rejects(put(storage, bytes), { code: 'storage-unreachable', message: /answered 503/ })
    assert.deepEqual(await names(), [])
  })

  test('other bytes than were sent are never called stored', async (t) => {
    const { storage, relay, names } = await scene(t)
    const wrong = { status: 201, headers: { etag: '"0x1"', 'last-modified': new Date().toUTCString() } }
    relay.twist({ fits: asks('PUT', 'comp=blocklist'), twist: wrong })
    await assert.rejects(put(storage, bytes), { code: 'object-corrupt' })
    assert.deepEqual(await names(), [])
  })

  test('a wrong key is denied, with words that show no key', async (t) => {
    const wrong = Buffer.from('another key').toString('base64')
    const { storage } = await scene(t, { account_key: wrong })
    await assert.rejects(put(storage, bytes), (fault: Error & { code?: string }) => {
      assert.equal(fault.code, 'storage-denied')
      assert.ok(![fault.message, (fault as Fault).hint].join().includes(wrong))
      return true
    })
    const { ok, hint } = await storage.check(signal)
    assert.deepEqual([ok, /account_key/.test(hint!)], [false, true])
  })

  test('a token that may only create is enough to store, and the check says what it may not', async (t) => {
    const { relay } = await scene(t)
    const container = await server.container()
    const token = generateBlobSASQueryParameters(
      {
        containerName: container,
        permissions: ContainerSASPermissions.parse('cw'),
        expiresOn: new Date(Date.now() + 3_600_000),
      },
      credential(),
    ).toString()
    const endpoint = `http://127.0.0.1:${relay.port}/${server.account}`
    const storage = server.open(container, {
      options: { endpoint, account_key: undefined, sas_token: `?${token}` },
      limits: { blockBytes: mib },
    })
    assert.equal((await put(storage, bytes)).bytes, bytes.length, 'in blocks')
    await storage.put('small', bytesSpool(Buffer.from('small')), { ifAbsent: true, signal })
    relay.twist({ fits: asks('PUT', '/untold'), twist: 'lost' })
    await assert.rejects(
      storage.put('untold', bytesSpool(Buffer.from('small')), { ifAbsent: true, signal }),
      { code: 'storage-unreachable', retry: true, message: /cannot be told.*may not read/ },
      'a lost answer is no name that is taken',
    )
    assert.equal(storage.presign, undefined)
    assert.ok(!storage.location.includes('sig='))
    const { ok, text } = await storage.check(signal)
    assert.deepEqual([ok, /may not read, list, remove/.test(text)], [true, true], text)
    await assert.rejects(storage.remove(key, signal), (fault: Error & { hint?: string }) => {
      assert.ok(!`${fault.message} ${fault.hint}`.includes('sig='))
      return /delete/.test(fault.hint!)
    })
  })

  test('what a policy keeps is retained, with its date', async (t) => {
    const { storage, relay } = await scene(t)
    await put(storage, Buffer.from('small'))
    const until = new Date(Date.now() + 9 * 86_400_000)
    const kept = { status: 409, headers: { 'x-ms-error-code': 'BlobImmutableDueToPolicy' } }
    relay.twist({ fits: asks('DELETE'), twist: kept })
    const headers = { 'x-ms-immutability-policy-until-date': until.toUTCString(), 'content-length': '5' }
    relay.twist({ fits: asks('HEAD'), twist: { status: 200, headers }, times: 2 })
    const message = new RegExp(`is retained until ${until.toISOString().slice(0, 10)}`)
    await assert.rejects(storage.remove(key, signal), { code: 'object-retained', message })
    assert.equal(await storage.retainUntil!(key, signal), Math.floor(until.getTime() / 1000) * 1000)
    assert.equal(await storage.retainUntil!(key, signal), null)
  })

  test('an object that is replaced while it is read is not mixed with the new one', async (t) => {
    const { storage } = await scene(t)
    await put(storage, Buffer.alloc(5 * mib, 'a'))
    const stream = await storage.get(key, { signal })
    await put(storage, Buffer.alloc(5 * mib, 'b'), false)
    await assert.rejects(buffer(stream), { code: 'object-corrupt' })
  })

  test('whoever has a link reads the one object, and no other', async (t) => {
    const { storage } = await scene(t)
    await put(storage, Buffer.from('small'))
    const link = await storage.presign!(key, { expiresMs: 900_000, filename: 'shop.dump' }, signal)
    const answer = await fetch(link)
    assert.deepEqual([answer.status, await answer.text()], [200, 'small'])
    assert.equal(answer.headers.get('content-disposition'), 'attachment; filename="shop.dump"')
    assert.notEqual((await fetch(link.replace('/1/dump', '/2/dump'))).status, 200)
    assert.notEqual((await fetch(link, { method: 'DELETE' })).status, 202)
  })

  test('a spool that fails in a container which keeps everything leaves no empty object to be kept', async (t) => {
    const { storage, relay, names } = await scene(t)
    const isContainer = (request: IncomingMessage): boolean =>
      request.method === 'GET' &&
      request.url!.includes('restype=container') &&
      !request.url!.includes('comp=')
    const headers = { 'x-ms-has-immutability-policy': 'true', etag: '"1"' }
    relay.twist({ fits: isContainer, times: 9, twist: { status: 200, headers } })
    const failing: Spool = {
      ...bytesSpool(bytes),
      ended: () => false,
      read: async (offset, length, by) => {
        if (offset >= 2 * mib) throw new Error('lost')
        return bytesSpool(bytes).read(offset, length, by)
      },
    }
    await assert.rejects(storage.put(key, failing, { ifAbsent: true, signal }), /lost/)
    assert.equal(await storage.head(key, signal), null)
    assert.equal((await names()).length, 1, 'only blocks, which vanish by themselves')
  })

  test('mistakes in the options are told before anything is asked', () => {
    const fine = { container: 'backups', account: 'shop', account_key: 'a2V5' }
    const connection =
      'DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=a2V5;EndpointSuffix=core.windows.net'
    const sas = 'BlobEndpoint=https://shop.blob.core.windows.net/?sig=abc;' // would be shown with the address
    assert.equal(azure.judge(fine), null)
    assert.equal(azure.judge({ container: 'backups', connection_string: connection }), null)
    for (const [wrong, words] of [
      [{ ...fine, container: 'Backups' }, /not the name of a container/],
      [{ ...fine, base_path: '../x' }, /base_path/],
      [{ ...fine, account_key: undefined }, /nothing to log in with/],
      [{ ...fine, sas_token: 'sv=1' }, /both there/],
      [{ ...fine, account_key: 'no base64!' }, /base64/],
      [{ ...fine, connection_string: connection }, /more than/],
      [{ container: 'backups', connection_string: 'AccountName=shop' }, /is not one/],
      [{ container: 'backups' }, /account is missing/],
      [{ container: 'backups', connection_string: `${sas}SharedAccessSignature=sig=abc` }, /is not one/],
    ] as const)
      assert.match(azure.judge(wrong)?.mistake ?? '', words)
  })
})
