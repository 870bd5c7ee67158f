import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands } from '../../src/commands/registry.ts'
import { Fault } from '../../src/core/faults.ts'
import { silentLog, type Log, type LogFacts } from '../../src/core/log.ts'
import { createGate } from '../../src/gate/create-gate.ts'
import type { Person } from '../../src/gate/gate.ts'

const member: Person = { actor: { via: 'slack', id: 'U1' }, admin: false, outsider: null }
const admin: Person = { actor: { via: 'slack', id: 'U2' }, admin: true, outsider: null }
const host: Person = { actor: { via: 'cli', id: 'root' }, admin: true, outsider: null }
const guest: Person = { actor: { via: 'slack', id: 'U3' }, admin: false, outsider: 'guests' }

async function may(person: Person, log: Log = silentLog): Promise<string[]> {
  const gate = createGate({ log })
  const allowed: string[] = []
  for (const { name, role, open } of commands)
    await gate.allow(person, { command: name, role, open, strategy: null }).then(
      () => allowed.push(name),
      (error: unknown) => assert.equal((error as Fault).code, 'denied'),
    )
  return allowed
}

test('without access settings a member may look, run and verify, and nothing else', async () => {
  assert.deepEqual(await may(member), [
    'help',
    'status',
    'list',
    'show',
    'schedule',
    'run',
    'log',
    'verify',
    'retention explain',
  ])
})

test('a workspace admin and the user on the host may do everything', async () => {
  const everything = commands.map(({ name }) => name)
  assert.deepEqual(await may(admin), everything)
  assert.deepEqual(await may(host), everything)
})

test('an outsider is refused everything, even as an admin', async () => {
  assert.deepEqual(await may(guest), [])
  assert.deepEqual(await may({ ...guest, admin: true }), [])
})

test('a refusal says what is needed and that nothing was changed, and is logged with the person', async () => {
  const lines: LogFacts[] = []
  const log: Log = { ...silentLog, warn: (text, facts) => void lines.push({ text, ...facts }) }
  const act = { command: 'restore', role: 'restore', open: false, strategy: 'shop' } as const
  await assert.rejects(createGate({ log }).allow(member, act), (error: unknown) => {
    assert.ok(error instanceof Fault)
    assert.equal(error.code, 'denied')
    assert.match(error.message, /`restore` needs an admin or owner/)
    assert.match(error.hint!, /nothing was changed/)
    return true
  })
  assert.equal(lines.length, 1)
  assert.equal(lines[0]!.person, 'U1')
  assert.equal(lines[0]!.strategy, 'shop')
})
