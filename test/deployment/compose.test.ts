import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { suite, test } from 'node:test'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { filters } from '../../src/filters/registry.ts'
import { notifiers } from '../../src/notifiers/registry.ts'
import { sources } from '../../src/sources/registry.ts'
import { storages } from '../../src/storages/registry.ts'
import { root, text } from './files.ts'

interface Service {
  image?: string
  build?: string
  read_only?: boolean
  environment?: Record<string, string>
  volumes?: string[]
  healthcheck?: unknown
  depends_on?: Record<string, { condition: string }>
}

const compose = parse(text('compose.yml')) as {
  services: Record<string, Service>
  volumes: Record<string, unknown>
}
const services = Object.entries(compose.services)

/** As Compose does: `:-` a default, `:?` an error when it is missing. */
function substituted(value: string, environment: Record<string, string | undefined>): string {
  return value.replaceAll(
    /\$\{(\w+)(?:(:[-?])([^}]*))?\}/g,
    (_, name: string, how?: string, word?: string) => {
      const found = environment[name]
      if (found !== undefined && found !== '') return found
      if (how === ':-') return word ?? ''
      throw new Error(`${name} is not set: ${word ?? ''}`)
    },
  )
}

suite('compose.yml works as it stands', () => {
  const environment = parseEnv(text('.env.example'))

  test('each service has an image, named volumes are declared, and whoever is waited for says when it is ready', () => {
    for (const [name, service] of services) {
      assert.ok(service.image ?? service.build, name)
      for (const volume of service.volumes ?? []) {
        const from = volume.split(':')[0]!
        if (from.startsWith('./'))
          assert.ok(readdirSync(join(root, from, '..')).includes(from.split('/').at(-1)!), from)
        else assert.ok(from in compose.volumes, from)
      }
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        assert.equal(condition, 'service_healthy')
        assert.ok(compose.services[other]!.healthcheck, other)
      }
    }
  })

  test('.env.example has what it asks for, and nothing is asked for that has no value', () => {
    for (const [, { environment: own = {} }] of services)
      for (const value of Object.values(own))
        assert.doesNotThrow(() => substituted(value, environment), value)
    assert.throws(
      () => substituted('${DB_PASSWORD:?copy .env.example to .env first}', {}),
      /copy \.env\.example/,
    )
  })

  test('its configuration is right, writes to mounted folders only, and talks to the other services', () => {
    const bot = compose.services['easy-backup']!
    const given = Object.fromEntries(
      Object.entries(bot.environment!).map(([name, value]) => [name, substituted(value, environment)]),
    )
    const config = loadConfig(
      {
        path: '/etc/easy-backup/config.yml',
        text: text('config/compose.yml'),
        environment: given,
        dotenv: null,
        readFile: (path) => assert.fail(path),
      },
      { sources, storages, filters, notifiers },
    )
    const mounted = bot.volumes!.map((volume) => volume.split(':')[1])
    assert.ok(mounted.includes(config.stateDir) && mounted.includes(config.tempDir))
    assert.equal(bot.read_only, true)
    assert.deepEqual(config.warnings, [])
    assert.equal(config.health?.bind, '0.0.0.0')
    const hosts = [String(config.storages[0]!.options['endpoint']), config.strategies[0]!.source.url].map(
      (url) => new URL(url).hostname,
    )
    for (const host of hosts) assert.ok(host in compose.services, host)
  })
})

suite('GitHub Actions', () => {
  const files = readdirSync(join(root, '.github/workflows')).map((name) => `.github/workflows/${name}`)

  test('every action is pinned to a commit and names its version, and every workflow says what it may', () => {
    for (const file of files) {
      const uses = text(file).matchAll(/uses: (\S+)(.*)/g)
      for (const [line, action, comment] of uses)
        if (!action!.startsWith('./'))
          assert.match(`${action}${comment}`, /@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, line)
      const workflow = parse(text(file)) as { permissions?: Record<string, string> }
      assert.ok(workflow.permissions, file)
      assert.equal(
        Object.values(workflow.permissions).includes('write'),
        false,
        `${file}: rights to write belong to one job`,
      )
    }
  })

  test('no script is built from words that a stranger can choose', () => {
    for (const file of files) {
      const workflow = parse(text(file)) as { jobs: Record<string, { steps?: { run?: string }[] }> }
      for (const { steps = [] } of Object.values(workflow.jobs))
        for (const { run = '' } of steps) assert.doesNotMatch(run, /\$\{\{/, file)
    }
  })
})
