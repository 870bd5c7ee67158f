import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'yaml'
import { commandsFor } from '../../src/commands/ask.ts'
import { actions, shortcuts } from '../../src/slack/actions.ts'
import { events, optionalScopes, requiredScopes } from '../../src/slack/scopes.ts'
import { slashCommand } from '../../src/slack/slash.ts'

interface Manifest {
  features: {
    app_home: Record<string, boolean>
    slash_commands: { command: string; usage_hint: string; should_escape: boolean; description: string }[]
    shortcuts: { name: string; type: string; callback_id: string; description: string }[]
  }
  oauth_config: { scopes: { bot: string[]; bot_optional: string[]; user?: unknown } }
  settings: {
    event_subscriptions: { bot_events: string[] }
    interactivity: { is_enabled: boolean }
    socket_mode_enabled: boolean
    token_rotation_enabled: boolean
  }
}

const manifest = parse(readFileSync(new URL('../../manifest.yml', import.meta.url), 'utf8')) as Manifest
const sources = readdirSync(new URL('../../src/slack/', import.meta.url), {
  recursive: true,
  encoding: 'utf8',
})
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(new URL(`../../src/slack/${name}`, import.meta.url), 'utf8'))
  .join('\n')

test('the manifest asks for exactly the scopes that the code compares with what was granted', () => {
  const { bot, bot_optional: optional, user } = manifest.oauth_config.scopes
  assert.deepEqual(
    bot.toSorted(),
    [...Object.keys(requiredScopes), ...Object.keys(optionalScopes)].toSorted(),
  )
  assert.deepEqual(optional.toSorted(), Object.keys(optionalScopes).toSorted())
  assert.equal(user, undefined)
  for (const scope of bot) assert.doesNotMatch(scope, /history|mention|^im:|^mpim:/)
})

test('the manifest offers the one command, escaped, with commands that exist', () => {
  const [command, ...others] = manifest.features.slash_commands
  assert.deepEqual(others, [])
  assert.equal(command!.command, slashCommand)
  assert.equal(command!.should_escape, true)
  assert.ok(command!.description.length <= 2000 && command!.usage_hint.length <= 1000)
  const known = commandsFor('slack').map(({ name }) => name)
  for (const word of command!.usage_hint.match(/[a-z]+/g) ?? []) assert.ok(known.includes(word), word)
})

test('the manifest switches on what the code listens to, and nothing else', () => {
  assert.deepEqual(manifest.settings.event_subscriptions.bot_events.toSorted(), [...events].toSorted())
  assert.equal(manifest.settings.interactivity.is_enabled, true)
  assert.equal(manifest.settings.socket_mode_enabled, true)
  assert.equal(manifest.settings.token_rotation_enabled, false)
  assert.deepEqual(manifest.features.app_home, {
    home_tab_enabled: true,
    messages_tab_enabled: true,
    messages_tab_read_only_enabled: true,
  })
  for (const [, event] of sources.matchAll(/\.event\('([a-z_]+)'/g))
    assert.ok((events as readonly string[]).includes(event!), String(event))
})

test('the manifest offers exactly the shortcuts that are answered, named as Slack takes them', () => {
  const offered = manifest.features.shortcuts
  assert.deepEqual(Object.fromEntries(offered.map(({ type, callback_id: id }) => [type, id])), {
    global: shortcuts.run,
    message: shortcuts.message,
  })
  assert.equal(offered.length, 2)
  for (const { name, description } of offered) assert.ok(name.length <= 24 && description.length <= 150, name)
})

test('every button that is drawn is answered', () => {
  const clicks = readFileSync(new URL('../../src/slack/clicks.ts', import.meta.url), 'utf8')
  for (const name of Object.keys(actions)) assert.ok(clicks.includes(`case actions.${name}:`), name)
})
