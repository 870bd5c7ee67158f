import assert from 'node:assert/strict'
import { test } from 'node:test'
import { httpProxy } from '../../src/tunnels/http-proxy.ts'
import { listen } from '../contracts/tunnel.ts'
import { startHttpProxy } from '../support/proxies.ts'
import { login, never, openThrough, proxyContract, secret } from './proxy-contract.ts'

proxyContract({
  driver: httpProxy,
  start: startHttpProxy,
  role: 'the HTTP proxy',
  secrets: [secret, Buffer.from(`ann:${secret}`).toString('base64')],
  answers: [
    [login, {}, 'tunnel-refused', /wants a user and a password \(407\)/],
    [login, { user: 'ann', password: 'x' }, 'tunnel-refused', /refused the user or password \(407\)/],
    [{ answers: 403 }, {}, 'tunnel-refused', /does not let us connect to db:5432 \(403\)/],
    [{ answers: 502 }, {}, 'database-unreachable', /does not reach db:5432 \(502\)/],
    [{ answers: 504 }, {}, 'database-unreachable', /does not reach db:5432 \(504\)/],
  ],
})

test('who answers in another language, or too much, is no proxy', async (t) => {
  const cases: [string, string, RegExp][] = [
    ['SSH-2.0-OpenSSH_9.2\r\n\r\n', 'tunnel-refused', /does not answer in HTTP/],
    ['x'.repeat(40_000), 'tunnel-unreachable', /its answer is not HTTP/],
    ['HTTP/1.1 200 OK\r\n', 'tunnel-unreachable', /broke off before db:1 was reached/],
  ]
  for (const [says, code, message] of cases) {
    const port = await listen(t, (socket) => socket.end(says))
    await assert.rejects(
      openThrough(httpProxy, { address: `127.0.0.1:${port}` }).connect({ host: 'db', port: 1 }, never),
      {
        code,
        message,
      },
    )
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
