import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { startPostgres } from '../../playground/servers/postgres.ts'
import { fillSample, makeWorld, person } from '../support/world.ts'
import { text } from './files.ts'

const page = text('SECURITY.md')
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, block]) => block!)

suite('SECURITY.md', () => {
  test('its two roles are enough to back up and to restore beside, and can do nothing more', async (t) => {
    const server = await startPostgres()
    t.after(() => server.close())
    await fillSample(server, 'shop', 500)
    for (const sql of blocks('sql')) await server.query(sql)
    const as = (role: string, password: string): string =>
      server.url('shop').replace(/\/\/[^@]+@/, `//${role}:${password}@`)
    const world = await makeWorld(t, {
      postgres: server,
      strategies: {
        shop: {
          database_url: as('backup', 'choose-one'),
          restore: { database_url: as('restorer', 'choose-another') },
        },
      },
    })
    const run = await world.backup()
    assert.equal(run.state, 'succeeded', run.fault?.text ?? '')

    const ask = {
      backup: 'latest',
      strategy: 'shop',
      targetDb: 'shop_again',
      targetUrl: null,
      noOwner: true,
      reason: null,
    }
    const planned = await world.engine.requestRestore(ask, person)
    const confirmed = await world.engine.confirm(planned.id, planned.version, person)
    const restored = await world.finish(confirmed.run!)
    assert.equal(restored.state, 'succeeded', restored.fault?.text ?? '')
    assert.deepEqual(await server.query('SELECT count(*)::int AS n FROM orders', 'shop_again'), [{ n: 500 }])

    const rights = await server.query(
      `SELECT rolname, rolsuper OR rolcreaterole OR rolreplication OR rolbypassrls AS mighty,
      has_table_privilege(rolname, 'public.orders', 'INSERT, UPDATE, DELETE, TRUNCATE') AS writes
      FROM pg_roles WHERE rolname IN ('backup', 'restorer') ORDER BY rolname`,
      'shop',
    )
    assert.deepEqual(rights, [
      { rolname: 'backup', mighty: false, writes: false },
      { rolname: 'restorer', mighty: false, writes: false },
    ])
  })

  test('its policies are JSON, and write-only credentials may neither read, list nor delete', () => {
    const policies = blocks('json').map((json) => JSON.parse(json) as Policy)
    assert.equal(policies.length, 3)
    for (const { Version, Statement } of policies) {
      assert.equal(Version, '2012-10-17')
      for (const { Effect, Action, Resource } of Statement) {
        assert.match(Effect, /^(Allow|Deny)$/)
        assert.match(Resource, /^arn:aws:s3:::my-backups(\/databases\/\*)?$/)
        for (const action of [Action].flat()) assert.match(action, /^s3:[A-Z]\w+$/)
      }
    }
    const writeOnly = policies[1]!.Statement
    assert.doesNotMatch(JSON.stringify(writeOnly), /Delete|Get|List/)
  })
})

interface Policy {
  Version: string
  Statement: { Effect: string; Action: string | string[]; Resource: string }[]
}
