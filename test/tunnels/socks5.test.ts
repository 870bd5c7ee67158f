import assert from 'node:assert/strict'
import { test } from 'node:test'
import { socks5 } from '../../src/tunnels/socks5.ts'
import { listen } from '../contracts/tunnel.ts'
import { startSocks5 } from '../support/proxies.ts'
import { login, never, openThrough, proxyContract, secret } from './proxy-contract.ts'

proxyContract({
  driver: socks5,
  start: startSocks5,
  role: 'the SOCKS5 proxy',
  secrets: [secret],
  answers: [
    [login, {}, 'tunnel-refused', /wants a user and a password/],
    [login, { user: 'ann', password: 'x' }, 'tunnel-refused', /refused the user or password/],
    [{ answers: 2 }, {}, 'tunnel-refused', /does not let us connect to db:5432/],
    [{ answers: 1 }, {}, 'database-unreachable', /does not reach db:5432: general failure/],
    [{ answers: 4 }, {}, 'database-unreachable', /does not reach db:5432: there is no way to it/],
    [{ answers: 5 }, {}, 'database-unreachable', /does not reach db:5432: connection refused/],
  ],
})

test('who speaks something else is no SOCKS5 proxy', async (t) => {
  const http = await listen(t, (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await assert.rejects(
    openThrough(socks5, { address: `127.0.0.1:${http}` }).connect({ host: 'db', port: 1 }, never),
    {
      code: 'tunnel-refused',
      message: /does not speak SOCKS5/,
    },
  )
  const mute = await listen(t, (socket) => socket.end())
  await assert.rejects(
    openThrough(socks5, { address: `127.0.0.1:${mute}` }).connect({ host: 'db', port: 1 }, never),
    {
      code: 'tunnel-unreachable',
      message: /broke off before db:1 was reached/,
    },
  )
})
