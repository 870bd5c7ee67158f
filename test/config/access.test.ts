import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { around, load, mistakesIn } from './load.ts'

const ops = 'S0123456789'
const ann = 'U0123456789'

function accessIn(global: string[], strategy: string[] = []): ReturnType<typeof load> {
  return load(around(global, strategy))
}

suite('access', () => {
  test('without it there are no rules', () => {
    const { access, strategies } = accessIn([])
    assert.deepEqual([access, strategies[0]!.access], [null, null])
  })

  test('a strategy has the global rules with its own over them, key by key', () => {
    const { access, strategies } = accessIn(
      [
        `access: { view: everyone, operate: [${ops}], allow_self_approval: true, groups: { ${ops}: [${ann}] } }`,
      ],
      [`access: { operate: [W0123456789], admin: [] }`],
    )
    const shared = { allowSelfApproval: true, groups: { [ops]: [ann] } }
    assert.deepEqual(access, { roles: { view: 'everyone', operate: [ops] }, ...shared })
    assert.deepEqual(strategies[0]!.access, {
      roles: { view: 'everyone', operate: ['W0123456789'], admin: [] },
      ...shared,
    })
  })

  test('rules of a strategy alone are rules', () => {
    const { access, strategies } = accessIn([], [`access: { admin: [${ann}] }`])
    assert.equal(access, null)
    assert.deepEqual(strategies[0]!.access, { roles: { admin: [ann] }, allowSelfApproval: false, groups: {} })
  })

  for (const [title, line, expected] of [
    [
      'a name',
      'access: { operate: ["@dba"] }',
      /^3:\d+ {2}global\.access\.operate\[0\] {2}"@dba" is not the id of a user or user group {2}write an id such as U0123456789/,
    ],
    [
      'a word',
      'access: { operate: admins }',
      /global\.access\.operate {2}"admins" is not a list of ids {2}write everyone, or a list such as/,
    ],
    [
      'a role nobody knows',
      `access: { operator: [${ann}] }`,
      /global\.access\.operator {2}unknown key {2}did you mean operate\?/,
    ],
    [
      'a group in a group',
      `access: { operate: [${ops}], groups: { ${ops}: [S0000000001] } }`,
      /"S0000000001" is not the id of a user {2}.*groups hold no groups/,
    ],
    [
      'a name of a group',
      `access: { operate: [${ops}], groups: { dba: [${ann}] } }`,
      /global\.access\.groups\.dba {2}"dba" is not the id of a user group {2}write an id such as S0123456789/,
    ],
    [
      'members of a group that no role names',
      `access: { operate: [${ops}], groups: { S0123456780: [${ann}] } }`,
      /no role names this group {2}did you mean S0123456789\?/,
    ],
  ] as const)
    // prettier-ignore
    test(`${title} is a mistake with what to write`, () => {
      const mistakes = mistakesIn(around([line]))
      assert.equal(mistakes.length, 1, mistakes.join('\n'))
      assert.match(mistakes[0]!, expected)
    })

  test('members may stand once for all, where only a strategy names the group', () => {
    const text = around([`access: { groups: { ${ops}: [${ann}] } }`], [`access: { restore: [${ops}] }`])
    assert.deepEqual(mistakesIn(text), [])
  })

  const slack = 'slack: { bot_token: xoxb-1, app_token: xapp-1, channel_id: C0123456789 }'
  for (const [title, global, strategy, expected] of [
    [
      'a protected strategy with one approver',
      `access: { approve: [${ann}], admin: [] }`,
      'protected: true',
      /only U0123456789 can approve overwriting shop, and not when they ask for it themselves/,
    ],
    [
      'a protected strategy with nobody',
      'access: { approve: [], admin: [] }',
      'protected: true',
      /nobody can approve overwriting shop/,
    ],
    [
      'everyone as admin',
      'access: { admin: everyone }',
      'tags: [a]',
      /everyone in the workspace has the role admin/,
    ],
  ] as const)
    // prettier-ignore
    test(`${title} is doubtful`, () => {
      const { warnings } = accessIn([slack, global], [strategy])
      assert.equal(warnings.length, 1, warnings.join('\n'))
      assert.match(warnings[0]!, expected)
    })

  test('rules without Slack are doubtful', () => {
    const { warnings } = accessIn([`access: { admin: [${ann}] }`])
    assert.match(warnings.join('\n'), /roles are for people in Slack, and there is no Slack/)
  })

  for (const [title, access] of [
    ['two approvers', `{ approve: [${ann}, U0000000002], admin: [] }`],
    ['one approver and an admin', `{ approve: [${ann}], admin: [U0000000002] }`],
    ['one approver of a team of one', `{ approve: [${ann}], admin: [], allow_self_approval: true }`],
    ['a group whose members Slack knows', `{ approve: [${ops}], admin: [] }`],
  ] as const)
    test(`${title} for a protected strategy are enough`, () => {
      assert.deepEqual(accessIn([slack, `access: ${access}`], ['protected: true']).warnings, [])
    })
})
