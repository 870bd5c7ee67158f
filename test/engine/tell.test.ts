import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messagesUnder } from '../../src/state/messages.ts'
import { channelFor, routingTable } from '../../src/slack/routing.ts'
import { makeWorld } from '../support/world.ts'

const channels = { success: 'C0SUCCESS01', failure: 'C0FAILURE01' }

test('threads of backups go to the success channel, what went wrong to the failure channel', async (t) => {
  const world = await makeWorld(t, {
    strategies: { shop: {}, gone: { database_url: 'sqlite:///nowhere/gone.db' } },
    global: { slack: { bot_token: 'xoxb-1', channel_id: 'C0123456789', channels } },
  })
  const { context, config } = world
  const table = routingTable(config.slack!.routing, config.strategies)
  const places = async (run: string): Promise<Record<string, string>> => {
    const told = await messagesUnder(context.database.read, `run/${run}/`)
    return Object.fromEntries(
      told.map(({ key, strategy, audience }) => [
        key.split('/').at(-1),
        channelFor(table(strategy), audience),
      ]),
    )
  }
  const good = await world.backup('shop')
  assert.deepEqual(await places(good.id), { card: channels.success, progress: channels.success })
  const bad = await world.backup('gone')
  assert.deepEqual(await places(bad.id), {
    alarm: channels.success,
    card: channels.success,
    progress: channels.success,
  })
  const [head] = await messagesUnder(context.database.read, 'incident/')
  assert.equal(channelFor(table(head!.strategy), head!.audience), channels.failure)
})
