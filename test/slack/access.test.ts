import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startPlayground, type Playground } from '../../playground/server.ts'
import type { AuditRow } from '../../src/core/audit.ts'
import { groupsToAsk } from '../../src/core/access.ts'
import type { Check } from '../../src/core/checks.ts'
import { startSlack } from '../../src/slack/app.ts'
import { findAudit } from '../../src/state/audit.ts'
import { listRuns } from '../../src/state/runs.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { askIn } from '../support/gate.ts'
import { makeWorld, type World } from '../support/world.ts'
import { connectionTo, routing } from './world.ts'

const dba = 'S0DBA0001' // Alice and Carol
const [alice, bob, carol] = ['U0ALICE01', 'U0BOB0001', 'U0CAROL01'] as const

interface Scene {
  slack: Playground
  world: World
  refusals(): Promise<AuditRow[]>
  inspect(): Promise<Check[]>
}

/** Engine, gate, audit log and Slack as app.ts joins them; only the messages of runs are not delivered. */
async function scene(t: TestContext, access: object): Promise<Scene> {
  const slack = await startPlayground({ rateLimits: false })
  const world = await makeWorld(t, { global: { access }, strategies: { shop: {}, blog: {} } })
  const { context } = world
  const face = startSlack({
    ...askIn(world),
    connection: connectionTo(slack),
    routing: () => routing,
    routings: () => [routing],
    groupsToAsk: () => groupsToAsk(context.config.access),
    firstTime: async () => true,
    clock: systemClock,
    log: context.log,
  })
  t.after(async () => {
    await face.stop()
    await slack.close()
  })
  await face.start()
  const refusals = async (): Promise<AuditRow[]> =>
    (await findAudit(context.database.read, { limit: 100 })).filter(({ result }) => result === 'refused')
  const inspect = async (): Promise<Check[]> =>
    (await face.notifier.inspect!(new AbortController().signal)).checks
  return { slack, world, refusals, inspect }
}

test('a stranger to the role is refused in private, told who may, and kept in the audit log', async (t) => {
  const { slack, world, refusals } = await scene(t, { operate: [dba], restore: [dba], admin: [dba] })
  const seen = await slack.command('bob', 'C0BACKUPS', '/backup run shop')
  const [answer, ...others] = slack.ephemerals('bob')
  assert.deepEqual(others, [])
  assert.match(JSON.stringify(seen), /is for/)
  assert.match(answer!.text, /^⛔ `?run`? of shop is for <!subteam\^S0DBA0001>/)
  assert.match(answer!.text, /nothing was changed/)
  assert.deepEqual(slack.ephemerals('alice'), [])
  assert.deepEqual(slack.messages('C0BACKUPS'), [])
  assert.deepEqual(await listRuns(world.context.database.read, { limit: 5 }), [])
  const [row] = await refusals()
  assert.deepEqual([row!.actor.id, row!.actor.team, row!.strategy], [bob, 'T0EASYBKP', 'shop'])
})

test('who is in the group may, until the moment they are taken out', async (t) => {
  const { slack, world, refusals } = await scene(t, { operate: [dba], restore: [dba], admin: [dba] })
  await slack.command('carol', 'C0BACKUPS', '/backup run shop')
  const [run] = await listRuns(world.context.database.read, { limit: 5 })
  assert.deepEqual([run!.strategy, run!.actor.id], ['shop', carol])
  slack.setGroup(dba, [alice])
  await slack.command('carol', 'C0BACKUPS', '/backup run blog')
  assert.equal((await listRuns(world.context.database.read, { limit: 5 })).length, 1)
  assert.match(slack.ephemerals('carol').at(-1)!.text, /is for <!subteam/)
  assert.equal((await refusals()).length, 1)
})

test('a group that Slack does not tell is a no that says so', async (t) => {
  const { slack, world } = await scene(t, { operate: [dba], restore: [], admin: [] })
  slack.misbehave({ method: 'usergroups.users.list', kind: 'error', times: 9 })
  await slack.command('carol', 'C0BACKUPS', '/backup run shop')
  assert.match(
    slack.ephemerals('carol').at(-1)!.text,
    /Slack did not say whether you are one of <!subteam\^S0DBA0001>/,
  )
  assert.deepEqual(await listRuns(world.context.database.read, { limit: 5 }), [])
})

test('a change of the group that Slack tells is seen in the next list', async (t) => {
  const { slack } = await scene(t, { view: [dba], operate: [], restore: [], approve: [], admin: [] })
  const listed = async (): Promise<string> => {
    await slack.command('bob', 'C0BACKUPS', '/backup status')
    return slack.ephemerals('bob').at(-1)!.text
  }
  assert.match(await listed(), /is for <!subteam/)
  slack.setGroup(dba, [bob])
  await slack.event({ type: 'subteam_members_changed', subteam_id: dba, team_id: 'T0EASYBKP' })
  assert.match(await listed(), /2 strategies/)
})

test('guests and people Slack does not know are refused and kept, too', async (t) => {
  const { slack, refusals } = await scene(t, { view: 'everyone' })
  await slack.command('gus', 'C0BACKUPS', '/backup list')
  assert.match(slack.ephemerals('gus').at(-1)!.text, /not for guests/)
  slack.misbehave({ method: 'users.info', kind: 'error', times: 9 })
  await slack.command('bob', 'C0BACKUPS', '/backup list')
  assert.match(slack.ephemerals('bob').at(-1)!.text, /Slack did not say who you are/)
  assert.deepEqual(
    (await refusals()).map(({ actor, detail }) => [actor.id, detail]),
    [
      [bob, 'Slack did not say who you are, so nothing was done'],
      ['U0GUS0001', 'backups are for full members of this workspace, not for guests'],
    ],
  )
})

test('doctor names a group that cannot be looked up, and one that is empty', async (t) => {
  const { slack, inspect } = await scene(t, { operate: [dba, 'S0NOSUCH1'] })
  slack.setGroup(dba, [])
  const checks = (await inspect()).filter(({ name }) => name === 'group')
  assert.deepEqual(
    checks.map(({ state, text }) => [state, text]),
    [
      ['warning', `${dba} is empty: nobody has its roles`],
      ['failed', 'S0NOSUCH1 cannot be looked up: no_such_subteam; whoever is in it is refused'],
    ],
  )
})

test('an admin reads the audit log in private', async (t) => {
  const { slack } = await scene(t, { operate: [dba], admin: [alice], restore: [] })
  await slack.command('bob', 'C0BACKUPS', '/backup run shop')
  await slack.command('alice', 'C0BACKUPS', '/backup audit shop')
  const table = slack.ephemerals('alice').at(-1)!
  assert.match(table.text, /^Audit log · 1 row/)
  assert.match(table.text, /U0BOB0001.*access\.refused · shop/)
  assert.deepEqual(slack.messages('C0BACKUPS'), [])
  await slack.command('alice', 'C0BACKUPS', '/backup audit --verify')
  assert.match(slack.ephemerals('alice').at(-1)!.text, /the audit log is whole: 1 row/)
})
