import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Fault, FaultCode } from '../../src/core/faults.ts'
import { systemClock } from '../../src/sys/clock.ts'
import type { Tunnel, TunnelDriver } from '../../src/tunnels/tunnel.ts'
import { firstWords, listen, tunnelContract } from '../contracts/tunnel.ts'
import type { ProxyRules, TestProxy } from '../support/proxies.ts'

export const never = new AbortController().signal
export const secret = 'pass:word/with€'
export const login = { user: 'ann', password: secret }

export interface ProxyFacts {
  driver: TunnelDriver
  start: (rules?: ProxyRules) => Promise<TestProxy>
  /** As its name begins: `the SOCKS5 proxy`. */
  role: string
  secrets: readonly string[]
  /** What it answers, the options it is asked with, and the fault that people are told. */
  answers: readonly [ProxyRules, Record<string, unknown>, FaultCode, RegExp][]
}

/** What every proxy must keep, beyond what every tunnel must. */
export function proxyContract({ driver, start, role, secrets, answers }: ProxyFacts): void {
  async function started(t: TestContext, rules: ProxyRules = {}): Promise<TestProxy> {
    const proxy = await start(rules)
    t.after(() => proxy.close())
    return proxy
  }

  tunnelContract(driver.kind, async (t) => {
    const proxy = await started(t, login)
    return {
      driver,
      options: { host: '127.0.0.1', port: proxy.port, ...login },
      name: new RegExp(`${role} 127\\.0\\.0\\.1:\\d+`),
      cut: async () => proxy.cut(),
      leave: () => proxy.close(),
      secrets,
    }
  })

  test('names and addresses of IPv6 are the proxy’s to look up', async (t) => {
    const proxy = await started(t)
    const port = await listen(t, (socket) => socket.end('found'))
    proxy.names.set('db.internal', { host: '127.0.0.1', port })
    proxy.names.set('fd00::5', { host: '127.0.0.1', port })
    const tunnel = openThrough(driver, { address: `127.0.0.1:${proxy.port}` })
    for (const host of ['db.internal', 'fd00::5']) {
      const stream = await tunnel.connect({ host, port: 5432 }, never)
      assert.equal(await firstWords(stream), 'found')
    }
    assert.deepEqual(proxy.asked, ['db.internal:5432', '[fd00::5]:5432'])
  })

  test('what the proxy answers is told in words', async (t) => {
    for (const [rules, options, code, message] of answers) {
      const proxy = await started(t, rules)
      const tunnel = openThrough(driver, { host: '127.0.0.1', port: proxy.port, ...options })
      await assert.rejects(tunnel.connect({ host: 'db', port: 5432 }, never), (fault: Fault) => {
        assert.match(fault.message, message)
        assert.ok(!`${fault.message}${fault.hint}`.includes(secret))
        assert.deepEqual([fault.code, fault.retry], [code, code === 'database-unreachable'])
        return fault.hint !== null
      })
    }
  })
}

export function openThrough(driver: TunnelDriver, options: Record<string, unknown>): Tunnel {
  return driver.open(options, { clock: systemClock, agentSocket: null, broken: assert.ifError })
}
