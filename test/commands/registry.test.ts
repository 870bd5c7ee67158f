import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { optionsOf } from '../../src/commands/arguments.ts'
import { commands } from '../../src/commands/registry.ts'

/** Files of the folder that are no command. */
const parts = [
  'about',
  'admit',
  'arguments',
  'ask',
  'attention',
  'audited',
  'clone-words',
  'command',
  'decide',
  'digest-words',
  'drill-words',
  'verify-words',
  'fields',
  'incidents',
  'key-file',
  'nearest',
  'phrases',
  'registry',
  'report-acts',
  'report-markdown',
  'report-words',
  'request-words',
  'reply',
  'replaced',
  'seen',
  'select',
  'words',
]

test('every file of a command is registered, and every registered command has its file', () => {
  const files = readdirSync(new URL('../../src/commands', import.meta.url)).map((name) =>
    name.replace(/\.ts$/, ''),
  )
  const named = commands.map(({ name }) => name.replace(' ', '-'))
  assert.deepEqual(files.filter((file) => !parts.includes(file)).toSorted(), named.toSorted())
})

test('names and aliases are taken once', () => {
  const all = commands.flatMap(({ name, aliases }) => [name, ...aliases])
  assert.deepEqual(all.toSorted(), [...new Set(all)].toSorted())
})

test('only run and verify are open to everyone beside what is looked at', () => {
  const open = commands.filter(({ role, open }) => open && role !== 'view').map(({ name }) => name)
  assert.deepEqual(open, ['run', 'verify'])
  assert.ok(commands.filter(({ role }) => role === 'view').every(({ open }) => open))
})

test('a command that is told a strategy, backup, run or request says what it is about, so that its rules are asked', () => {
  const telling = ['what', 'strategy', 'backup', 'run', 'request', 'restore']
  for (const { name, args, about } of commands) {
    const isTold = Object.keys(args.properties).some((key) => telling.includes(key))
    assert.equal(about !== undefined, isTold, name)
  }
})

test('every argument says what it is, and plain words go to arguments that exist', () => {
  for (const command of commands) {
    for (const option of optionsOf(command))
      assert.notEqual(option.description, '', `${command.name} --${option.flag}`)
    for (const key of command.positional) assert.ok(Object.hasOwn(command.args.properties, key))
    for (const flag of command.later ?? [])
      assert.ok(!optionsOf(command).some((option) => option.flag === flag), flag)
  }
})
