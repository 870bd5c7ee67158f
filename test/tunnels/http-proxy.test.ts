import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Fault } from '../../src/core/faults.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { httpProxy } from '../../src/tunnels/http-proxy.ts'
import { firstWords, listen, tunnelContract } from '../contracts/tunnel.ts'
import { startHttpProxy, type ProxyRules, type TestProxy } from '../support/proxies.ts'

const never = new AbortController().signal
const secret = 'pass:word/with€'
const login = { user: 'ann', password: secret }

tunnelContract('http_proxy', async (t) => {
  const proxy = await started(t, login)
  return {
    driver: httpProxy,
    options: { host: '127.0.0.1', port: proxy.port, ...login },
    name: /the HTTP proxy 127\.0\.0\.1:\d+/,
    cut: async () => proxy.cut(),
    leave: () => proxy.close(),
    secrets: [secret, Buffer.from(`ann:${secret}`).toString('base64')],
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
    [login, {}, 'tunnel-refused', /wants a user and a password \(407\)/, false],
    [login, { user: 'ann', password: 'x' }, 'tunnel-refused', /refused the user or password \(407\)/, false],
    [{ answers: 403 }, {}, 'tunnel-refused', /does not let us connect to db:5432 \(403\)/, false],
    [{ answers: 502 }, {}, 'database-unreachable', /does not reach db:5432 \(502\)/, true],
    [{ answers: 504 }, {}, 'database-unreachable', /does not reach db:5432 \(504\)/, true],
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

test('who answers in another language, or too much, is no proxy', async (t) => {
  const cases: [string, string, RegExp][] = [
    ['SSH-2.0-OpenSSH_9.2\r\n\r\n', 'tunnel-refused', /does not answer in HTTP/],
    ['x'.repeat(40_000), 'tunnel-unreachable', /its answer is not HTTP/],
    ['HTTP/1.1 200 OK\r\n', 'tunnel-unreachable', /broke off before db:1 was reached/],
  ]
  for (const [says, code, message] of cases) {
    const port = await listen(t, (socket) => socket.end(says))
    await assert.rejects(open({ address: `127.0.0.1:${port}` }).connect({ host: 'db', port: 1 }, never), {
      code,
      message,
    })
  }
})

test('an address is a host and a port, and a login is whole', () => {
  const { judge } = httpProxy
  assert.equal(judge({ address: '[::1]:8080' }), null)
  for (const address of ['proxy', 'proxy:0', 'proxy:99999', ':80', 'http://proxy:80', 'pro xy:80'])
    assert.notEqual(judge({ address }), null, address)
  const withUser = judge({ address: `ann:${secret}@proxy:80` })
  assert.ok(withUser !== null && !JSON.stringify(withUser).includes(secret))
  assert.notEqual(judge({ host: 'proxy', port: 80, user: 'ann' }), null)
})

async function started(t: TestContext, rules: ProxyRules = {}): Promise<TestProxy> {
  const proxy = await startHttpProxy(rules)
  t.after(() => proxy.close())
  return proxy
}

function open(options: Record<string, unknown>) {
  return httpProxy.open(options, { clock: systemClock, agentSocket: null, broken: assert.ifError })
}
