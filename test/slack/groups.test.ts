import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { WebClient } from '@slack/web-api'
import { startPlayground, type Playground } from '../../playground/server.ts'
import { createGroups, type Groups } from '../../src/slack/groups.ts'
import { fakeClock, type FakeClock } from '../support/clock.ts'

const dba = 'S0DBA0001'
const alice = 'U0ALICE01'
const bob = 'U0BOB0001'
const now = { now: true }
const lately = { now: false }

interface Scene {
  slack: Playground
  groups: Groups
  clock: FakeClock
  /** How often Slack was asked so far. */
  asked(): number
}

async function scene(t: TestContext): Promise<Scene> {
  const slack = await startPlayground({ rateLimits: false })
  t.after(() => slack.close())
  const clock = fakeClock()
  const client = new WebClient(slack.tokens.bot, {
    slackApiUrl: slack.apiUrl,
    retryConfig: { retries: 0 },
    timeout: 2_000,
  })
  const asked = (): number => slack.transcript('usergroups.users.list').length
  return { slack, clock, groups: createGroups(client, clock), asked }
}

test('an act asks Slack each time: who was taken out a moment ago is out', async (t) => {
  const { slack, groups, asked } = await scene(t)
  assert.equal(await groups.has(dba, alice, now), true)
  assert.equal(await groups.has(dba, bob, now), false)
  slack.setGroup(dba, [bob])
  assert.equal(await groups.has(dba, alice, now), false)
  assert.equal(await groups.has(dba, bob, now), true)
  assert.equal(asked(), 4)
})

test('what is drawn may be a minute old, and no older', async (t) => {
  const { slack, groups, clock, asked } = await scene(t)
  assert.equal(await groups.has(dba, alice, lately), true)
  slack.setGroup(dba, [bob])
  await clock.advance(59_000)
  assert.equal(await groups.has(dba, alice, lately), true)
  assert.equal(asked(), 1)
  await clock.advance(1_000)
  assert.equal(await groups.has(dba, alice, lately), false)
  assert.equal(asked(), 2)
})

test('a change that Slack tells is known at once, and so is what an act found', async (t) => {
  const { slack, groups } = await scene(t)
  assert.equal(await groups.has(dba, alice, lately), true)
  slack.setGroup(dba, [bob])
  groups.forget(dba)
  assert.equal(await groups.has(dba, alice, lately), false)
  slack.setGroup(dba, [alice])
  assert.equal(await groups.has(dba, alice, now), true)
  assert.equal(await groups.has(dba, alice, lately), true)
})

test('a look-up that fails throws, and what was remembered before is not used instead', async (t) => {
  const { slack, groups } = await scene(t)
  assert.equal(await groups.has(dba, alice, lately), true)
  slack.misbehave({ method: 'usergroups.users.list', kind: 'error', times: 9 })
  await assert.rejects(groups.has(dba, alice, now))
  await assert.rejects(groups.has(dba, alice, lately))
  await assert.rejects(groups.has('S0NOSUCH1', alice, now))
  slack.behave()
  assert.equal(await groups.has(dba, alice, lately), true)
})

test('what is drawn for many strategies at once asks once', async (t) => {
  const { groups, asked } = await scene(t)
  await Promise.all(Array.from({ length: 20 }, () => groups.has(dba, alice, lately)))
  assert.equal(asked(), 1)
})

test('an answer that was on its way when Slack told of a change is not remembered', async (t) => {
  const { slack, groups, asked } = await scene(t)
  const before = groups.has(dba, alice, lately)
  groups.forget(dba)
  await before
  slack.setGroup(dba, [bob])
  assert.equal(await groups.has(dba, alice, lately), false)
  assert.equal(asked(), 2)
})

test('twenty who click at once share a look-up that began after they clicked', async (t) => {
  const { slack, groups, asked } = await scene(t)
  const first = groups.has(dba, alice, now)
  slack.setGroup(dba, [bob])
  const clicks = await Promise.all(Array.from({ length: 20 }, () => groups.has(dba, bob, now)))
  assert.deepEqual(new Set(clicks), new Set([true]))
  await first
  assert.equal(asked(), 2)
})
