import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { text } from './files.ts'

const page = text('SECURITY.md')
const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))].map(([, block]) => block!)

suite('SECURITY.md', () => {
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
