import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Fault } from '../../src/core/faults.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { socks5 } from '../../src/tunnels/socks5.ts'
import { firstWords, listen, tunnelContract } from '../contracts/tunnel.ts'
import { startSocks5, type ProxyRules, type TestProxy } from '../support/proxies.ts'

const never = new AbortController().signal
const secret = 'pass:word/with€'
const login = { user: 'ann', password: secret }

tunnelContract('socks5', async (t) => {
  const proxy = await started(t, login)
  return {
    driver: socks5,
    options: { host: '127.0.0.1', port: proxy.port, ...login },
    name: /the SOCKS5 proxy 127\.0\.0\.1:\d+/,
    cut: async () => proxy.cut(),
    leave: () => proxy.close(),
    secrets: [secret],
  }
})

test('names and addresses of IPv6 are the proxy’s to look up', async (t) => {
  const proxy = await started(t)
  const port = await listen(t, (socket) => socket.end('found'))
  proxy.names.set('db.internal', { host: '127.0.0.1', port })
  proxy.names.set('fd00::5', { host: '127.0.0.1', port })
  const tunnel = open({ address: `127.0.0.1:${proxy.port}` })
  for (const host of ['db.internal', 'fd00::5']) {
    const stream = await tunnel.connect({ host, port: 5432 }, never)
    assert.equal(await firstWords(stream), 'found')
  }
  assert.deepEqual(proxy.asked, ['db.internal:5432', '[fd00::5]:5432'])
})

test('what the proxy answers is told in words', async (t) => {
  const answers: [ProxyRules, Record<string, unknown>, string, RegExp, boolean][] = [
    [login, {}, 'tunnel-refused', /wants a user and a password/, false],
    [login, { user: 'ann', password: 'x' }, 'tunnel-refused', /refused the user or password/, false],
    [{ answers: 2 }, {}, 'tunnel-refused', /does not let us connect to db:5432/, false],
    [{ answers: 1 }, {}, 'database-unreachable', /does not reach db:5432: general failure/, true],
    [{ answers: 4 }, {}, 'database-unreachable', /does not reach db:5432: there is no way to it/, true],
    [{ answers: 5 }, {}, 'database-unreachable', /does not reach db:5432: connection refused/, true],
  ]
  for (const [rules, options, code, message, retry] of answers) {
    const proxy = await started(t, rules)
    const tunnel = open({ host: '127.0.0.1', port: proxy.port, ...options })
    await assert.rejects(tunnel.connect({ host: 'db', port: 5432 }, never), (fault: Fault) => {
      assert.match(fault.message, message)
      assert.ok(!`${fault.message}${fault.hint}`.includes(secret))
      return fault.code === code && fault.retry === retry && fault.hint !== null
    })
  }
})

test('who speaks something else is no SOCKS5 proxy', async (t) => {
  const http = await listen(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await assert.rejects(open({ address: `127.0.0.1:${http}` }).connect({ host: 'db', port: 1 }, never), {
    code: 'tunnel-refused',
    message: /does not speak SOCKS5/,
  })
  const mute = await listen(t, (socket) => socket.end())
  await assert.rejects(open({ address: `127.0.0.1:${mute}` }).connect({ host: 'db', port: 1 }, never), {
    code: 'tunnel-unreachable',
    message: /broke off before db:1 was reached/,
  })
})

async function started(t: TestContext, rules: ProxyRules = {}): Promise<TestProxy> {
  const proxy = await startSocks5(rules)
  t.after(() => proxy.close())
  return proxy
}

function open(options: Record<string, unknown>) {
  return socks5.open(options, { clock: systemClock, agentSocket: null, broken: assert.ifError })
}
