import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Config } from '../../src/core/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigMistakes } from '../../src/config/mistakes.ts'
import { redactedYaml } from '../../src/config/print.ts'
import { sources } from '../../src/sources/registry.ts'
import { tunnels } from '../../src/tunnels/registry.ts'
import { drivers } from './catalogue.ts'
import { around } from './load.ts'

const fingerprint = `SHA256:${'A'.repeat(43)}`
const hop = `host: bastion, user: deploy, private_key_file: keys/id, fingerprint: "${fingerprint}"`

function load(lines: string[], url = 'postgres://db/shop'): Config {
  const text = around([], lines).replace('postgres://db/shop', url)
  const environment = {
    SSH_PASSWORD: 'canary-ssh',
    PASSPHRASE: 'canary-key',
    PROXY: 'canary-proxy',
    PORT: '2222',
  }
  const input = { path: '/etc/c.yml', text, environment, dotenv: null, readFile: () => '' }
  return loadConfig(input, { ...drivers, sources, tunnels })
}

/** Without the file's name and position. */
function mistakes(lines: string[], url?: string): string[] {
  try {
    load(lines, url)
    return []
  } catch (error) {
    if (!(error instanceof ConfigMistakes)) throw error
    return error.message.split('\n').map((line) => line.replace(/^\S+ {2}/, ''))
  }
}

const tunnelOf = (config: Config) => config.strategies[0]!.source.tunnel

suite('tunnel', () => {
  test('without one the server answers from here', () => {
    assert.equal(tunnelOf(load([])), null)
  })

  test('paths are absolute at every hop, and numbers from outside are numbers', () => {
    const config = load([
      'tunnel:',
      '  ssh:',
      `    host: inner`,
      '    port: ${PORT}',
      '    user: deploy',
      '    agent: run/agent',
      '    known_hosts: ./known',
      `    jump: [{ ${hop} }, { ${hop} }]`,
    ])
    const jump = { host: 'bastion', user: 'deploy', private_key_file: '/etc/keys/id', fingerprint }
    assert.deepEqual(tunnelOf(config), {
      kind: 'ssh',
      options: {
        host: 'inner',
        port: 2222,
        user: 'deploy',
        agent: '/etc/run/agent',
        known_hosts: '/etc/known',
        jump: [jump, jump],
      },
    })
  })

  test('a proxy is an address, or a group with a login', () => {
    assert.deepEqual(tunnelOf(load(['tunnel: { socks5: "proxy:1080" }'])), {
      kind: 'socks5',
      options: { address: 'proxy:1080' },
    })
    const login = 'host: proxy, port: 3128, user: ann, password: "${PROXY}"'
    assert.deepEqual(tunnelOf(load([`tunnel: { http_proxy: { ${login} } }`]))!.options, {
      host: 'proxy',
      port: 3128,
      user: 'ann',
      password: 'canary-proxy',
    })
  })

  test('passwords and passphrases are never printed', () => {
    const jump = `jump: { host: gate, user: d, password: "\${SSH_PASSWORD}", fingerprint: "${fingerprint}" }`
    const config = load([`tunnel: { ssh: { ${hop}, passphrase: "\${PASSPHRASE}", ${jump} } }`])
    const shown = redactedYaml(config) + JSON.stringify(config.strategies[0]!.redacted)
    assert.doesNotMatch(shown, /canary/)
    assert.match(shown, /bastion/)
    for (const secret of ['canary-ssh', 'canary-key']) assert.ok(config.secrets.includes(secret), secret)
  })

  test('what cannot be meant is a mistake at its place, with what to write', () => {
    const noKey = 'host: bastion, user: deploy, agent: true'
    const cases: [string, RegExp][] = [
      ['{}', /^strategies\[0\]\.tunnel {2}it says no way {2}write ssh, socks5 or http_proxy in it/],
      ['{ shh: x }', /\.tunnel\.shh {2}"shh" is not a way {2}did you mean ssh\?/],
      [`{ ssh: { ${hop} }, socks5: "p:1" }`, /\.tunnel\.socks5 {2}the way is given twice/],
      ['{ ssh: bastion }', /\.tunnel\.ssh {2}"bastion" is not a group of keys/],
      [`{ ssh: { ${noKey} } }`, /\.tunnel\.ssh {2}nothing says which host key bastion has.*ssh-keyscan/],
      [
        `{ ssh: { ${noKey}, fingerprint: "aa:bb" } }`,
        /fingerprint {2}"aa:bb" is not a fingerprint \(SHA256:…\)/,
      ],
      [`{ ssh: { ${hop}, jump: { ${noKey} } } }`, /\.tunnel\.ssh\.jump {2}nothing says which host key/],
      [`{ ssh: { ${hop}, usr: x } }`, /\.tunnel\.ssh\.usr {2}unknown key {2}did you mean user\?/],
      ['{ socks5: proxy }', /\.tunnel\.socks5 {2}it is not a host and a port/],
      ['{ http_proxy: { host: p } }', /\.tunnel\.http_proxy\.port|\.tunnel\.http_proxy {2}.*port/],
    ]
    for (const [written, words] of cases) assert.match(mistakes([`tunnel: ${written}`]).join('\n'), words)
    assert.match(mistakes(['tunnel:'])[0]!, /is empty/)
  })

  test('a file and a socket have nowhere to go', () => {
    const lines = ['tunnel: { socks5: "proxy:1080" }']
    for (const url of ['sqlite:///var/lib/shop.db', 'postgres://u@localhost/shop?host=/run/postgresql'])
      assert.match(mistakes(lines, url).join('\n'), /the database is a file or a socket of this machine/)
  })
})
