import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { commands } from '../../src/commands/registry.ts'
import type { Access, Role } from '../../src/core/access.ts'
import type { AuditEntry } from '../../src/core/audit.ts'
import { Fault } from '../../src/core/faults.ts'
import { silentLog, type Log, type LogFacts } from '../../src/core/log.ts'
import { createGate, type AccessRules } from '../../src/gate/create-gate.ts'
import type { Act, Gate, Person } from '../../src/gate/gate.ts'
import { onHost, slackPerson } from '../support/gate.ts'

const member = slackPerson('U0MEMBER1')
const admin = slackPerson('U0ADMIN01', [], { admin: true })
const guest = slackPerson('U0GUEST01', [], { outsider: 'guests' })

const nothing: AccessRules = { access: null, strategies: [] }

function accessOf(roles: Access['roles'], more: Partial<Access> = {}): Access {
  return { roles, allowSelfApproval: false, groups: {}, ...more }
}

function gateOf(rules: AccessRules, log: Log = silentLog): { gate: Gate; kept: AuditEntry[] } {
  const kept: AuditEntry[] = []
  const record = async (entries: readonly AuditEntry[]): Promise<void> => void kept.push(...entries)
  return { gate: createGate({ log, rules: () => rules, record }), kept }
}

const act = (role: Role, changes: Partial<Act> = {}): Act => ({
  command: role,
  role,
  open: role === 'view',
  strategy: null,
  ...changes,
})

async function mayTo(person: Person, rules: AccessRules = nothing): Promise<string[]> {
  const { gate } = gateOf(rules)
  const allowed: string[] = []
  for (const { name, role, open } of commands)
    await gate.allow(person, { command: name, role, open, strategy: null }).then(
      () => allowed.push(name),
      (error: unknown) => assert.equal((error as Fault).code, 'denied'),
    )
  return allowed
}

async function refusalOf(person: Person, rules: AccessRules, asked: Act): Promise<Fault> {
  return gateOf(rules)
    .gate.allow(person, asked)
    .then(
      () => assert.fail('it was allowed'),
      (error: unknown) => error as Fault,
    )
}

suite('without access settings', () => {
  test('a member may look, run and verify, and nothing else', async () => {
    const expected = commands.filter(({ role, open }) => role === 'view' || open).map(({ name }) => name)
    assert.deepEqual(await mayTo(member), expected)
    assert.ok(expected.includes('run') && expected.includes('list') && !expected.includes('cancel'))
  })

  test('a workspace admin and the user on the host may do everything', async () => {
    const everything = commands.map(({ name }) => name)
    assert.deepEqual(await mayTo(admin), everything)
    assert.deepEqual(await mayTo(onHost), everything)
  })

  test('a refusal says what is needed and that nothing was changed; it is logged and kept with the person', async () => {
    const lines: LogFacts[] = []
    const log: Log = { ...silentLog, warn: (text, facts) => void lines.push({ text, ...facts }) }
    const { gate, kept } = gateOf(nothing, log)
    await assert.rejects(
      gate.allow(member, act('restore', { strategy: 'shop', subject: 'rq-1' })),
      (error: unknown) => {
        assert.ok(error instanceof Fault)
        assert.equal(error.code, 'denied')
        assert.match(error.message, /`restore` needs an admin or owner/)
        assert.match(error.hint!, /nothing was changed/)
        return true
      },
    )
    assert.equal(lines.length, 1)
    assert.equal(lines[0]!.person, 'U0MEMBER1')
    assert.equal(lines[0]!.strategy, 'shop')
    const [row] = kept
    assert.deepEqual(
      [row!.act, row!.result, row!.actor, row!.strategy, row!.subject],
      ['access.refused', 'refused', member.actor, 'shop', 'rq-1'],
    )
    assert.match(row!.detail!, /`restore` needs/)
  })
})

const people = {
  viewer: slackPerson('U0VIEWER1'),
  operator: slackPerson('U0OPER001', ['S0OPS0001']),
  dba: slackPerson('U0DBA0001', ['S0DBA0001']),
  lead: slackPerson('U0LEAD001', ['S0LEADS01']),
  boss: slackPerson('U0BOSS001'),
  stranger: slackPerson('U0STRANGE'),
  workspaceAdmin: slackPerson('U0WSADMIN', [], { admin: true }),
  guest: slackPerson('U0BOSS001', ['S0OPS0001'], { outsider: 'guests' }),
  host: onHost,
}

const full: AccessRules = {
  access: accessOf({
    view: ['U0VIEWER1'],
    operate: ['S0OPS0001'],
    restore: ['S0DBA0001'],
    approve: ['S0LEADS01'],
    admin: ['U0BOSS001'],
  }),
  strategies: [],
}

suite('with access settings', () => {
  /** Who has which role: restoring includes operating, that includes looking, an admin has all; approving stands beside. */
  const matrix: Record<keyof typeof people, Role[]> = {
    viewer: ['view'],
    operator: ['view', 'operate'],
    dba: ['view', 'operate', 'restore'],
    lead: ['view', 'approve'],
    boss: ['view', 'operate', 'restore', 'approve', 'admin'],
    stranger: [],
    workspaceAdmin: [],
    guest: [],
    host: ['view', 'operate', 'restore', 'approve', 'admin'],
  }
  for (const [who, expected] of Object.entries(matrix) as [keyof typeof people, Role[]][])
    test(`${who} may: ${expected.join(', ') || 'nothing'}; and so every command of those roles alone`, async () => {
      const { gate } = gateOf(full)
      for (const { name, role, open } of commands)
        for (const asked of [{ command: name, role, open, strategy: null }])
          assert.equal(await gate.may(people[who], asked), expected.includes(role), name)
      assert.deepEqual(
        await mayTo(people[who], full),
        commands.filter(({ role }) => expected.includes(role)).map(({ name }) => name),
      )
    })

  test('what is not named is as without access: everyone looks and runs, workspace admins do the rest', async () => {
    const partly: AccessRules = { access: accessOf({ restore: ['U0DBA0001'] }), strategies: [] }
    const { gate } = gateOf(partly)
    for (const [person, asked, expected] of [
      [member, act('view'), true],
      [member, act('operate', { open: true }), true],
      [member, act('operate'), false],
      [people.dba, act('operate'), true],
      [people.dba, act('admin'), false],
      [admin, act('restore'), true], // an admin of the workspace has the role admin, which nobody was named for
      [admin, act('admin'), true],
    ] as const)
      assert.equal(await gate.may(person, asked), expected, `${person.actor.id} ${asked.role}`)
  })

  test('an open command is for those who may look', async () => {
    const { gate } = gateOf({ access: accessOf({ view: ['U0VIEWER1'] }), strategies: [] })
    assert.equal(await gate.may(people.viewer, act('operate', { open: true })), true)
    assert.equal(await gate.may(member, act('operate', { open: true })), false)
  })

  test('nobody named is nobody in Slack', async () => {
    const rules: AccessRules = { access: accessOf({ admin: [] }), strategies: [] }
    const fault = await refusalOf(admin, rules, act('admin'))
    assert.match(`${fault.message} ${fault.hint}`, /nobody in Slack may `admin` it is done on the host/)
    await gateOf(rules).gate.allow(onHost, act('admin'))
  })

  test('a strategy has its own rules, and one that is not in the file goes by the global ones', async () => {
    const rules: AccessRules = {
      access: accessOf({ operate: ['U0OPER001'] }),
      strategies: [
        { name: 'shop', access: accessOf({ operate: ['U0MEMBER1'] }) },
        { name: 'blog', access: accessOf({ operate: ['U0OPER001'] }) },
      ],
    }
    const { gate } = gateOf(rules)
    for (const [strategy, person, expected] of [
      ['shop', member, true],
      ['shop', people.operator, false],
      ['blog', member, false],
      ['gone', member, false],
      ['gone', people.operator, true],
    ] as const)
      assert.equal(
        await gate.may(person, act('operate', { strategy })),
        expected,
        `${person.actor.id} ${strategy}`,
      )
    await gate.allow(onHost, act('operate', { strategies: ['shop', 'blog'], strategy: null }))
    const fault = await refusalOf(member, rules, act('operate', { strategies: ['shop', 'blog', 'gone'] }))
    assert.equal(
      fault.message,
      'you may not `operate` blog and gone: that is for @U0OPER001 or admins of this workspace',
    )
    assert.match(fault.hint!, /name what you may: `operate shop`/)
  })

  test('a refusal names those who may', async () => {
    const fault = await refusalOf(people.operator, full, act('restore', { strategy: null }))
    assert.equal(fault.message, '`restore` is for @S0DBA0001 or @U0BOSS001')
    assert.match(fault.hint!, /ask one of them/)
  })

  test('a changed configuration counts at once', async () => {
    let rules: AccessRules = full
    const gate = createGate({ log: silentLog, rules: () => rules, record: async () => undefined })
    assert.equal(await gate.may(member, act('operate')), false)
    rules = { access: accessOf({ operate: ['U0MEMBER1'] }), strategies: [] }
    assert.equal(await gate.may(member, act('operate')), true)
  })
})

suite('groups', () => {
  const rules: AccessRules = {
    access: accessOf({ operate: ['S0OPS0001'], restore: ['S0OPS0001', 'S0DBA0001'] }),
    strategies: [],
  }

  test('an act asks Slack now, what is drawn may be remembered, and each group is asked about once', async () => {
    const asked: string[] = []
    const person = slackPerson('U0OPER001', [], {
      inGroup: (group, { now }) => Promise.resolve(asked.push(`${group} ${now}`) > 99),
    })
    const { gate } = gateOf(rules)
    await assert.rejects(gate.allow(person, act('operate')))
    assert.deepEqual(asked.splice(0), ['S0OPS0001 true', 'S0DBA0001 true'])
    assert.equal(await gate.may(person, act('operate')), false)
    assert.deepEqual(asked.splice(0), ['S0OPS0001 false', 'S0DBA0001 false'])
    await gate.may(person, act('operate', { now: true, strategies: ['a', 'b'] }))
    assert.deepEqual(asked, ['S0OPS0001 true', 'S0DBA0001 true'])
  })

  test('a look-up that fails is a no, and the refusal says so; another group may still be a yes', async () => {
    const failing = (good: string[]): Person =>
      slackPerson('U0OPER001', [], {
        inGroup: (group) =>
          good.includes(group) ? Promise.resolve(true) : Promise.reject(new Error('rate limited')),
      })
    const fault = await refusalOf(failing([]), rules, act('operate'))
    assert.match(fault.message, /Slack did not say whether you are one of @S0OPS0001 or @S0DBA0001/)
    assert.equal(await gateOf(rules).gate.may(failing([]), act('operate')), false)
    await gateOf(rules).gate.allow(failing(['S0DBA0001']), act('operate'))
  })

  test('of a group whose members stand in the file Slack is not asked', async () => {
    const access = accessOf({ operate: ['S0OPS0001'] }, { groups: { S0OPS0001: ['U0MEMBER1'] } })
    const { gate } = gateOf({ access, strategies: [] })
    const never = { inGroup: () => assert.fail('Slack was asked') }
    await gate.allow({ ...member, ...never }, act('operate'))
    await assert.rejects(gate.allow({ ...people.operator, ...never }, act('operate')), { code: 'denied' })
  })
})

test('an outsider is refused everything, even as an admin who is named', async () => {
  const rules: AccessRules = { access: accessOf({ view: 'everyone', admin: ['U0GUEST01'] }), strategies: [] }
  assert.deepEqual(await mayTo(guest), [])
  assert.deepEqual(await mayTo({ ...guest, admin: true }, rules), [])
})

test('a refusal holds also when the audit log cannot be written', async () => {
  const record = (): Promise<void> => Promise.reject(new Error('disk full'))
  const gate = createGate({ log: silentLog, rules: () => nothing, record })
  await assert.rejects(gate.allow(member, act('admin')), { code: 'denied' })
})
