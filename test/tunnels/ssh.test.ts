import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { freePort } from '../../playground/servers/free-port.ts'
import type { Fault } from '../../src/core/faults.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { ssh } from '../../src/tunnels/ssh/index.ts'
import { firstWords, listen, tunnelContract } from '../contracts/tunnel.ts'
import { until } from '../support/dam.ts'
import { endProcess } from '../support/ended.ts'
import { makeFolder } from '../support/local.ts'
import { startSshServer } from '../support/ssh-server.ts'
import { makeKey, startSshd, type KeyPair, type Sshd } from '../support/sshd.ts'

const run = promisify(execFile)
const never = new AbortController().signal

suite('ssh', () => {
  let gate: Sshd
  let inner: Sshd
  before(async () => {
    ;[gate, inner] = await Promise.all([startSshd(), startSshd()])
  })
  after(() => Promise.all([gate.close(), inner.close()]))

  tunnelContract('ssh through a jump host', async (t) => {
    const key = await keyFor(t, gate, inner)
    const last = await startSshd()
    t.after(() => last.close())
    await last.authorize(key.publicKey)
    return {
      driver: ssh,
      options: { ...(await hop(last, key)), jump: await hop(gate, key) },
      name: /the SSH server 127\.0\.0\.1:\d+/,
      cut: () => last.cut(),
      leave: () => last.close(),
      secrets: [],
    }
  })

  test('the way goes through every jump in its order, and each says so', async (t) => {
    const key = await keyFor(t, gate, inner)
    const port = await listen(t, (socket) => socket.end('at last'))
    const jump = [await hop(gate, key), await hop(inner, key)]
    const { tunnel } = open(t, { ...(await hop(gate, key)), jump })
    assert.equal(await firstWords(await tunnel.connect({ host: '127.0.0.1', port }, never)), 'at last')
    assert.match(await inner.log(), new RegExp(`target 127.0.0.1 port ${gate.port}`))
    assert.match(await gate.log(), new RegExp(`target 127.0.0.1 port ${inner.port}`))
    assert.match(await gate.log(), new RegExp(`target 127.0.0.1 port ${port}`))
    const lines = await tunnel.check(never)
    const hops = [`the jump host 127.0.0.1:${gate.port}`, `the jump host 127.0.0.1:${inner.port}`]
    assert.deepEqual(
      lines.map(({ ok, text }) => [ok, text.replace(/ in .*/, '')]),
      [...hops, `the SSH server 127.0.0.1:${gate.port}`].map((name) => [true, name]),
    )
  })

  test('a jump host that refuses the key, has another one or is away is told by its name', async (t) => {
    const key = await keyFor(t, inner)
    const stranger = await makeKey(join(await makeFolder(t), 'stranger'))
    const good = await hop(inner, key)
    const cases: [Record<string, unknown>, string, RegExp][] = [
      [await hop(gate, stranger), 'tunnel-refused', /^the jump host 127\.0\.0\.1:\d+ refused the key of /],
      [{ ...(await hop(gate, key)), fingerprint: `SHA256:${'A'.repeat(43)}` }, 'tunnel-refused', /the server shows SHA256:/],
      [{ ...(await hop(gate, key)), port: await freePort() }, 'tunnel-unreachable', /^the jump host .* cannot be reached: connection refused/],
    ] // prettier-ignore
    for (const [jump, code, message] of cases) {
      const { tunnel } = open(t, { ...good, jump })
      await assert.rejects(tunnel.ready(never), { code, message })
      const lines = await tunnel.check(never)
      assert.deepEqual(lines.length, 1, 'what comes behind it was not tried')
      assert.match(lines[0]!.text, message)
    }
  })

  test('one of several fingerprints will do, as will a file of known hosts', async (t) => {
    const key = await keyFor(t, gate)
    const known = join(await makeFolder(t), 'known_hosts')
    await writeFile(known, `[127.0.0.1]:${gate.port} ${await gate.hostKey()}\n`)
    const { fingerprint, ...rest } = await hop(gate, key)
    for (const rule of [{ fingerprint: [`SHA256:${'A'.repeat(43)}`, fingerprint] }, { known_hosts: known }])
      await open(t, { ...rest, ...rule }).tunnel.ready(never)
  })

  test('a changed host key is refused, and who listens gets nothing', async (t) => {
    const sshd = await startSshd()
    t.after(() => sshd.close())
    const key = await keyFor(t, sshd)
    const { tunnel } = open(t, await hop(sshd, key))
    await tunnel.ready(never)
    await tunnel.close()
    const before = (await sshd.log()).length
    await sshd.changeHostKey()
    const again = open(t, { ...(await hop(sshd, key)), fingerprint: `SHA256:${'B'.repeat(43)}` })
    await assert.rejects(again.tunnel.ready(never), (fault: Fault) => {
      assert.equal(fault.code, 'tunnel-refused')
      assert.match(fault.hint!, /somebody may be listening in between/)
      return !fault.retry
    })
    assert.doesNotMatch((await sshd.log()).slice(before), /userauth/)
  })

  test('an encrypted key is opened by its passphrase, which is never told', async (t) => {
    const passphrase = 'open sesame 42'
    const key = await makeKey(join(await makeFolder(t), 'locked'), { passphrase })
    await gate.authorize(key.publicKey)
    await open(t, { ...(await hop(gate, key)), passphrase }).tunnel.ready(never)
    const wrong = open(t, { ...(await hop(gate, key)), passphrase: `${passphrase}?` })
    await assert.rejects(wrong.tunnel.ready(never), (fault: Fault) => {
      assert.ok(!`${fault.message}${fault.hint}`.includes(passphrase))
      return fault.code === 'tunnel-refused'
    })
  })

  test('an agent is asked for its keys: that of the environment, or of a socket', async (t) => {
    const folder = await makeFolder(t)
    const socket = join(folder, 'agent')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => endProcess(agent))
    await once(agent.stdout, 'data')
    const key = await keyFor(t, gate)
    await run('ssh-add', ['-q', key.path], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
    const { private_key_file: _, ...rest } = await hop(gate, key)
    await open(t, { ...rest, agent: true }, socket).tunnel.ready(never)
    await open(t, { ...rest, agent: socket }).tunnel.ready(never)
    await assert.rejects(open(t, { ...rest, agent: true }).tunnel.ready(never), {
      code: 'tunnel-refused',
      message: /SSH_AUTH_SOCK is not set/,
    })
    await assert.rejects(open(t, { ...rest, agent: join(folder, 'nowhere') }).tunnel.ready(never), {
      code: 'tunnel-refused',
      message: /agent/,
    })
  })

  test('a password logs in, also where the server asks in words of its own, and is never told', async (t) => {
    const password = 'p@ss wörd'
    for (const asks of [false, true]) {
      const server = await startSshServer(t, { user: 'deploy', password, asks })
      const options = {
        host: '127.0.0.1',
        port: server.port,
        user: 'deploy',
        fingerprint: server.fingerprint,
      }
      const port = await listen(t, (socket) => socket.end('in'))
      const { tunnel } = open(t, { ...options, password })
      assert.equal(await firstWords(await tunnel.connect({ host: '127.0.0.1', port }, never)), 'in')
      assert.equal(server.logins.at(-1), `deploy by ${asks ? 'keyboard-interactive' : 'password'}`)
      await assert.rejects(
        open(t, { ...options, password: `${password}!` }).tunnel.ready(never),
        (fault: Fault) => {
          assert.match(fault.message, /refused the password of deploy/)
          assert.ok(!`${fault.message}${fault.hint}`.includes(password))
          return fault.code === 'tunnel-refused' && !fault.retry
        },
      )
    }
  })

  test('a server that forwards nowhere says what to look at', async (t) => {
    const strict = await startSshd({ permitOpen: ['127.0.0.1:1'] })
    t.after(() => strict.close())
    const { tunnel } = open(t, await hop(strict, await keyFor(t, strict)))
    await assert.rejects(tunnel.connect({ host: '127.0.0.1', port: 2 }, never), (fault: Fault) => {
      assert.match(fault.message, /does not let us connect to 127\.0\.0\.1:2/)
      assert.match(fault.hint!, /PermitOpen/)
      return fault.code === 'tunnel-refused'
    })
    await assert.rejects(tunnel.connect({ host: '127.0.0.1', port: 1 }, never), {
      code: 'database-unreachable',
      message: /does not reach 127\.0\.0\.1:1: connect/,
    })
  })

  test('a tunnel that is cut says which hop was lost, once', async (t) => {
    const key = await keyFor(t, gate, inner)
    const { tunnel, broken } = open(t, { ...(await hop(inner, key)), jump: await hop(gate, key) })
    await tunnel.ready(never)
    await gate.cut()
    await until(() => broken.length > 0, 'the jump host is lost')
    await tunnel.ready(never)
    assert.match(broken[0]!.message, /^the connection to the jump host 127\.0\.0\.1:\d+ broke/)
    assert.ok(broken[0]!.retry)
    await inner.cut()
    await until(() => broken.length > 1, 'the server is lost')
    assert.match(broken[1]!.message, /^the connection to the SSH server 127\.0\.0\.1:\d+ broke/)
    assert.equal(broken.length, 2)
  })
})

test('what is no way in, or no proof, is a mistake of the configuration', () => {
  const { judge } = ssh
  const fingerprint = `SHA256:${'A'.repeat(43)}`
  const good = { host: 'bastion', user: 'deploy', private_key_file: './key', fingerprint }
  assert.equal(judge({ ...good, jump: good }), null)
  const { fingerprint: _f, ...unproven } = good
  const { private_key_file: _k, ...keyless } = good
  assert.match(judge(unproven)!.mistake, /nothing says which host key bastion has/)
  assert.match(judge(unproven)!.hint, /ssh-keyscan -p 22 bastion \| ssh-keygen -lf -/)
  assert.match(judge({ ...good, known_hosts: './k' })!.mistake, /given twice/)
  assert.match(judge(keyless)!.mistake, /how to log in/)
  assert.match(judge({ ...keyless, agent: false })!.mistake, /how to log in/)
  assert.match(judge({ ...keyless, password: 'x', passphrase: 'y' })!.mistake, /no private key/)
  assert.deepEqual(judge({ ...good, host: 'deploy@bastion' })!.at, ['host'])
  assert.deepEqual(judge({ ...good, private_key_file: '~/.ssh/id' })!.at, ['private_key_file'])
  assert.deepEqual(judge({ ...good, jump: [good, unproven] })!.at, ['jump', '1'])
})

function open(t: TestContext, options: Record<string, unknown>, agentSocket: string | null = null) {
  const broken: Fault[] = []
  const tunnel = ssh.open(options, {
    clock: systemClock,
    agentSocket,
    broken: (fault) => void broken.push(fault),
  })
  t.after(() => tunnel.close())
  return { tunnel, broken }
}

async function keyFor(t: TestContext, ...servers: Sshd[]): Promise<KeyPair> {
  const key = await makeKey(join(await makeFolder(t), 'key'))
  for (const server of servers) await server.authorize(key.publicKey)
  return key
}

async function hop(sshd: Sshd, key: KeyPair) {
  return {
    host: '127.0.0.1',
    port: sshd.port,
    user: sshd.user,
    private_key_file: key.path,
    fingerprint: await sshd.fingerprint(),
  }
}
