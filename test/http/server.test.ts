import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { silentLog } from '../../src/core/log.ts'
import type { Health } from '../../src/core/model.ts'
import { startHttp, type HttpParts } from '../../src/http/server.ts'
import { freePort } from '../../playground/servers/free-port.ts'

const healthy: Health = {
  status: 'healthy',
  timestamp: '2026-11-20T06:00:00.000Z',
  version: '0.2.0',
  strategies: {
    total: 1,
    last_backup_status: { shop: { status: 'success', last_run: null, next_run: null } },
  },
  s3_connectivity: 'not_configured',
  slack_connectivity: 'ok',
}

const quiet = {
  health: () => Promise.resolve(healthy),
  live: () => ({ ok: true, text: 'alive' }),
  ready: () => ({ ok: true, text: 'ready' }),
  log: silentLog,
}

async function serve(t: TestContext, parts: Partial<HttpParts> = {}): Promise<string> {
  const server = await startHttp({
    listen: { bind: '127.0.0.1', port: 0, path: '/health' },
    health: () => Promise.resolve(healthy),
    live: () => ({ ok: true, text: 'alive' }),
    ready: () => ({ ok: true, text: 'ready' }),
    log: silentLog,
    ...parts,
  })
  t.after(() => server.close())
  return `http://127.0.0.1:${server.port}`
}

test('health answers 200 with the documented shape and is never cached', async (t) => {
  const response = await fetch(`${await serve(t)}/health`)
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.match(response.headers.get('content-type')!, /^application\/json/)
  assert.deepEqual(await response.json(), healthy)
})

test('health answers 200 while degraded and 503 when unhealthy', async (t) => {
  for (const [status, code] of [
    ['degraded', 200],
    ['unhealthy', 503],
  ] as const) {
    const response = await fetch(
      `${await serve(t, { health: () => Promise.resolve({ ...healthy, status }) })}/health`,
    )
    assert.equal(response.status, code)
    assert.equal(((await response.json()) as Health).status, status)
  }
})

test('a health that cannot be told is unhealthy, and says nothing of why to the network', async (t) => {
  const broken = () => Promise.reject(new Error('connect to db-7.internal: password hunter2 refused'))
  const response = await fetch(`${await serve(t, { health: broken })}/health`)
  assert.equal(response.status, 503)
  assert.equal(await response.text(), '{"status":"unhealthy"}')
})

test('the probes answer 200, and 503 when they are not well', async (t) => {
  const url = await serve(t, { ready: () => ({ ok: false, text: 'recovering' }) })
  assert.equal((await fetch(`${url}/livez`)).status, 200)
  const ready = await fetch(`${url}/readyz`)
  assert.equal(ready.status, 503)
  assert.deepEqual(await ready.json(), { ok: false, text: 'recovering' })
})

test('health lives where the configuration puts it, even on a probe’s path', async (t) => {
  const url = await serve(t, { listen: { bind: '127.0.0.1', port: 0, path: '/livez' } })
  assert.deepEqual(await (await fetch(`${url}/livez`)).json(), healthy)
  assert.equal((await fetch(`${url}/health`)).status, 404)
})

test('everything else is a short 404 in JSON that does not repeat the address', async (t) => {
  const url = await serve(t)
  for (const path of [
    '/',
    '/healthz',
    '/../etc/passwd',
    '/%00',
    '/api/v1/<script>',
    `/${'x'.repeat(3000)}`,
  ]) {
    const response = await fetch(url + path)
    const body = await response.text()
    assert.ok(response.status === 404 || response.status === 400, `${path}: ${response.status}`)
    assert.ok(body.length < 40, body)
    assert.ok(JSON.parse(body))
  }
  assert.equal((await fetch(`${url}/health`, { method: 'POST', body: 'x' })).status, 404)
  assert.equal((await fetch(`${url}/health`, { method: 'POST', body: 'x'.repeat(5000) })).status, 413)
})

test('headers without end are refused', async (t) => {
  const { port } = new URL(await serve(t))
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(port), '127.0.0.1', () =>
      socket.write(`GET /health HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`),
    )
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
  assert.match(answer, /^HTTP\/1\.1 431 /)
})

test('no listen address means no server', async () => {
  const server = await startHttp({
    listen: null,
    health: () => Promise.resolve(healthy),
    live: () => ({ ok: true, text: '' }),
    ready: () => ({ ok: true, text: '' }),
    log: silentLog,
  })
  assert.equal(server.port, null)
  await server.close()
})

test('a port in use is told with the setting to change', async (t) => {
  const port = Number(new URL(await serve(t)).port)
  await assert.rejects(serve(t, { listen: { bind: '127.0.0.1', port, path: '/health' } }), {
    code: 'config-invalid',
    message: `monitoring.health_check: 127.0.0.1:${port} is in use by another program`,
  })
})

const scrape = { type: 'text/plain; version=0.0.4', text: 'up 1\n' }

test('metrics share the server of health on an equal port, and have their own otherwise', async (t) => {
  for (const [port, isShared] of [
    [0, true],
    [await freePort(), false],
  ] as const) {
    const server = await startHttp({
      ...quiet,
      listen: { bind: '127.0.0.1', port: 0, path: '/health' },
      metrics: {
        listen: { bind: '127.0.0.1', port, path: '/metrics' },
        render: () => Promise.resolve(scrape),
      },
    })
    t.after(() => server.close())
    assert.equal(server.port === server.metricsPort, isShared)
    const answer = await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)
    assert.equal(await answer.text(), scrape.text)
    assert.match(answer.headers.get('content-type')!, /version=0\.0\.4/)
    const health = await fetch(`http://127.0.0.1:${server.metricsPort}/health`)
    assert.equal(health.status, isShared ? 200 : 404)
  }
})

test('metrics alone need no health, and what cannot be measured is not told why', async (t) => {
  const server = await startHttp({
    ...quiet,
    listen: null,
    metrics: {
      listen: { bind: '127.0.0.1', port: 0, path: '/metrics' },
      render: () => Promise.reject(new Error('db-7.internal')),
    },
  })
  t.after(() => server.close())
  const answer = await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)
  assert.deepEqual([answer.status, await answer.text()], [503, '{"error":"not available"}'])
})

test('when one of two ports is taken, neither is served', async (t) => {
  const taken = Number(new URL(await serve(t)).port)
  const port = await freePort()
  const both = startHttp({
    ...quiet,
    listen: { bind: '127.0.0.1', port, path: '/health' },
    metrics: {
      listen: { bind: '127.0.0.1', port: taken, path: '/metrics' },
      render: () => Promise.resolve(scrape),
    },
  })
  await assert.rejects(both, {
    message: new RegExp(`^monitoring\\.metrics: 127\\.0\\.0\\.1:${taken} is in use`),
  })
  await assert.rejects(fetch(`http://127.0.0.1:${port}/health`))
})
