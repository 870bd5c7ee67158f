import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { stringify } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigMistakes } from '../../src/config/mistakes.ts'
import { asNode, type Node } from '../../src/config/reference/node.ts'
import { hooks } from '../../src/config/schema/hooks.ts'
import { filters } from '../../src/filters/registry.ts'
import { notifiers } from '../../src/notifiers/registry.ts'
import { sources } from '../../src/sources/registry.ts'
import { storages } from '../../src/storages/registry.ts'
import { tunnels } from '../../src/tunnels/registry.ts'

const drivers = { sources, storages, filters, notifiers, tunnels }

type Options = Record<string, unknown>

const environment = {
  S3_ACCESS_KEY: 'key',
  S3_SECRET_KEY: 'secret',
  SSH_AUTH_SOCK: '/run/agent',
  KEY_PASSPHRASE: 'open sesame',
  SSH_PASSWORD: 'p/w#1',
  PROXY_PASSWORD: 'p/w#2',
  AZURE_STORAGE_KEY: 'Q0FOQVJZ',
  AZURE_SAS: 'sv=1&sig=abcdefgh',
  AZURE_CONNECTION: 'AccountName=abc;AccountKey=Q0FOQVJZ',
}

const server = { host: 'h', user: 'u', private_key_file: './k' }
const fingerprint = `SHA256:${'A'.repeat(43)}`

/** What has to stand beside an example so that it means something. */
const beside: Record<string, (key: string) => Options> = {
  local: () => ({ path: '/mnt/backups' }),
  s3: (key) => ({ bucket: 'b-1', ...(key === 'kms_key_id' && { sse: 'aws:kms' }) }),
  sftp: (key) => ({ ...server, path: '/b', ...(key !== 'known_hosts' && { fingerprint }) }),
  azure: (key) => ({
    container: 'backups',
    ...(key !== 'connection_string' && { account: 'abc' }),
    ...(!['connection_string', 'sas_token'].includes(key) && { account_key: 'Q0FOQVJZ' }),
  }),
  gcs: () => ({ bucket: 'my-backups' }),
  ssh: (key) => ({ ...server, ...(key !== 'known_hosts' && { fingerprint }) }),
  socks5: () => ({ host: 'h', port: 1080, user: 'u', password: 'p/w#3' }),
  http_proxy: () => ({ host: 'h', port: 1080, user: 'u', password: 'p/w#3' }),
  hooks: () => ({}),
}

const storedIn = (options: Options): Options => ({ storages: { place: options } })
const local = storedIn({ type: 'local', path: '/mnt/backups' })

/** What `config check` says of a file with these keys. */
function mistakesOf(global: Options, strategy: Options): string {
  const strategies = [{ name: 'shop', database_url: 'postgres://u@db/shop', ...strategy }]
  const text = stringify({ global, strategies })
  try {
    loadConfig({ path: '/etc/c.yml', text, environment, dotenv: null, readFile: () => '' }, drivers)
    return ''
  } catch (error) {
    if (!(error instanceof ConfigMistakes)) throw error
    return error.message
  }
}

function eachExample(kind: string, options: Node, check: (options: Options) => string): void {
  for (const [key, { examples = [] }] of Object.entries(options.properties ?? {}))
    for (const example of examples)
      assert.equal(check({ ...beside[kind]!(key), [key]: example }), '', `${kind}: ${key}`)
}

suite('every example of the reference passes config check', () => {
  for (const { kind, options } of storages)
    test(`places of type ${kind}`, () =>
      eachExample(kind, asNode(options), (own) => mistakesOf(storedIn({ type: kind, ...own }), {})))

  for (const { kind, options } of tunnels)
    test(`the way ${kind}`, () =>
      eachExample(kind, longForm(asNode(options)), (own) => mistakesOf(local, { tunnel: { [kind]: own } })))

  test('hooks', () => eachExample('hooks', asNode(hooks), (own) => mistakesOf(local, { hooks: own })))
})

function longForm(options: Node): Node {
  return options.properties ? options : options.anyOf!.find(({ properties }) => properties)!
}

const home = /~ stands for nothing here {2}write the whole path/

test('~ stands for nothing in a path, and that is said before anything is asked', () => {
  const paths: [kind: string, key: string][] = [
    ['local', 'path'],
    ['sftp', 'private_key_file'],
    ['sftp', 'known_hosts'],
    ['sftp', 'agent'],
    ['gcs', 'key_file'],
  ]
  for (const [kind, key] of paths)
    assert.match(mistakesOf(storedIn({ type: kind, ...beside[kind]!(key), [key]: '~/x' }), {}), home, key)
  for (const key of ['private_key_file', 'known_hosts', 'agent']) {
    const ssh = { ...beside.ssh!(key), [key]: '~/x' }
    assert.match(mistakesOf(local, { tunnel: { ssh } }), home, key)
  }
})

test('what is no fingerprint is told with where to take one from', () => {
  const wrong = { fingerprint: 'SHA256:…' }
  for (const said of [
    mistakesOf(storedIn({ type: 'sftp', ...beside.sftp!('fingerprint'), ...wrong }), {}),
    mistakesOf(local, { tunnel: { ssh: { ...beside.ssh!('fingerprint'), ...wrong } } }),
  ])
    assert.match(said, /is not a fingerprint .* {2}write SHA256: .* as ssh-keygen -lf prints/)
})
