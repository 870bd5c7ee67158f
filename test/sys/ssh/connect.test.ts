import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import { Fault } from '../../../src/core/faults.ts'
import { connectSsh, type SshServer } from '../../../src/sys/ssh/connect.ts'
import type { HostKeyRule } from '../../../src/sys/ssh/host-keys.ts'
import { makeKey, startSshd, type KeyPair, type Sshd } from '../../support/sshd.ts'

const run = promisify(execFile)
const faults = { unreachable: 'storage-unreachable', refused: 'storage-denied' } as const
const fingerprintOfNobody = `SHA256:${'A'.repeat(43)}`

suite('connecting to a server of SSH', () => {
  let sshd: Sshd
  let folder: string
  let pair: KeyPair

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'eb-ssh-'))
    sshd = await startSshd()
    pair = await makeKey(join(folder, 'key'))
    await sshd.authorize(pair.publicKey)
  })
  after(async () => {
    await sshd.close()
    await rm(folder, { recursive: true })
  })

  function server(hostKey: HostKeyRule, more: Partial<SshServer> = {}): SshServer {
    const login = { privateKeyFile: pair.path }
    return { host: '127.0.0.1', port: sshd.port, user: sshd.user, login, hostKey, ...more }
  }

  async function logIn(to: SshServer, timeoutMs = 20_000): Promise<void> {
    const { signal } = new AbortController()
    const client = await connectSsh(to, { signal, timeoutMs, faults })
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
    client.end()
    await closed
  }

  async function knownHosts(lines: string[]): Promise<HostKeyRule> {
    const knownHosts = join(folder, 'known_hosts')
    await writeFile(knownHosts, `${['# ours', '', ...lines].join('\n')}\n`)
    return { knownHosts }
  }

  test('a server with the right fingerprint is trusted', async () => {
    await logIn(server({ fingerprint: await sshd.fingerprint() }))
  })

  test('another fingerprint is refused, with the one to paste', async () => {
    const shown = await sshd.fingerprint()
    await assert.rejects(logIn(server({ fingerprint: fingerprintOfNobody })), (fault: unknown) => {
      assert.ok(fault instanceof Fault)
      assert.match(fault.message, /the host key of \[127\.0\.0\.1\]:\d+ is not the one of fingerprint/)
      assert.ok(fault.hint?.includes(`fingerprint: ${shown}`), fault.hint ?? '')
      return fault.code === 'storage-denied'
    })
  })

  test('no rule at all trusts nobody', async () => {
    await assert.rejects(logIn(server({})), { code: 'storage-denied' })
  })

  test('a server in known_hosts is trusted by name, pattern and hash, and asked for a kind of key that is known', async () => {
    const [host, key] = [`[127.0.0.1]:${sshd.port}`, await sshd.hostKey()]
    await logIn(server(await knownHosts([`${host} ${key}`])))
    await logIn(server(await knownHosts([`other,[127.0.0.*]:${sshd.port} ${key} a comment`])))
    const hashed = await knownHosts([`${host} ${key}`])
    await run('ssh-keygen', ['-q', '-H', '-f', hashed.knownHosts!])
    await logIn(server(hashed))
  })

  test('a key that is unknown, changed or revoked in known_hosts is refused', async () => {
    const [host, key] = [`[127.0.0.1]:${sshd.port}`, await sshd.hostKey()]
    const other = (await makeKey(join(folder, 'other'))).publicKey
    const cases: [string[], RegExp][] = [
      [[`127.0.0.1 ${key}`], /is not in .*known_hosts: the server shows SHA256:/],
      [[`*,!${host} ${key}`], /is not in/],
      [[`@cert-authority * ${key}`], /is not in/],
      [[`${host} ${other}`], /has changed/],
      [[`${host} ${key}`, `@revoked * ${key}`], /is revoked/],
    ]
    for (const [lines, words] of cases)
      await assert.rejects(logIn(server(await knownHosts(lines))), { code: 'storage-denied', message: words })
    const missing = { knownHosts: join(folder, 'nowhere') }
    await assert.rejects(logIn(server(missing)), { code: 'storage-denied', message: /cannot be read/ })
  })

  test('a private key with a passphrase is opened by it, and says what is wrong with it', async () => {
    const fingerprint = await sshd.fingerprint()
    const locked = await makeKey(join(folder, 'locked'), { passphrase: 'open sesame' })
    await sshd.authorize(locked.publicKey)
    const by = (passphrase?: string): SshServer =>
      server({ fingerprint }, { login: { privateKeyFile: locked.path, passphrase } })
    await logIn(by('open sesame'))
    await assert.rejects(logIn(by()), { code: 'storage-denied', message: /needs a passphrase/ })
    await assert.rejects(logIn(by('wrong')), { code: 'storage-denied', message: /does not open/ })
    const junk = join(folder, 'known_hosts')
    await writeFile(junk, 'junk')
    const odd = server({ fingerprint }, { login: { privateKeyFile: junk } })
    await assert.rejects(logIn(odd), { code: 'storage-denied', message: /not a private key/ })
  })

  test('a key that nobody authorized is refused, a closed port is unreachable', async () => {
    const fingerprint = await sshd.fingerprint()
    const stranger = await makeKey(join(folder, 'stranger'))
    const login = { privateKeyFile: stranger.path }
    await assert.rejects(logIn(server({ fingerprint }, { login })), {
      code: 'storage-denied',
      message: /refused the key of/,
    })
    await assert.rejects(logIn(server({ fingerprint }, { port: 1 })), {
      code: 'storage-unreachable',
      message: /connection refused/,
    })
  })

  test('a cancelled connection ends with the signal’s reason', async () => {
    const cancel = new AbortController()
    const opening = connectSsh(server({ fingerprint: await sshd.fingerprint() }), {
      signal: cancel.signal,
      timeoutMs: 20_000,
      faults,
    })
    cancel.abort(new Error('somebody cancelled'))
    await assert.rejects(opening, /somebody cancelled/)
  })
})
