import assert from 'node:assert/strict'
import { test } from 'node:test'
import { around, load, mistakesIn } from './load.ts'

const hooksOf = (global: string[], strategy: string[] = []) =>
  load(around(global, strategy)).strategies[0]!.hooks

test('programs with a slash are found from the folder of the file, others on PATH', () => {
  const hooks = hooksOf(['hooks: { before: [[./flush.sh, ./x], [sync]], timeout: 30s }'])
  assert.deepEqual(hooks, {
    before: [['/etc/easy-backup/flush.sh', './x'], ['sync']],
    after: [],
    onFailure: [],
    timeoutMs: 30_000,
    folder: '/etc/easy-backup',
  })
})

test('a strategy’s own hooks take the place of the global ones, whole; none at all are none', () => {
  const global = ['hooks: { before: [[a]], on_failure: [[b]] }']
  assert.deepEqual(hooksOf(global)?.onFailure, [['b']])
  assert.deepEqual(hooksOf(global, ['hooks: { after: [[c]] }']), {
    before: [],
    after: [['c']],
    onFailure: [],
    timeoutMs: 5 * 60_000,
    folder: '/etc/easy-backup',
  })
  assert.equal(hooksOf(global, ['hooks: {}']), null)
  assert.equal(hooksOf([]), null)
})

test('a command line in place of a list, and whatever else cannot be run, is a mistake that says how', () => {
  const wrong = (hooks: string): string => mistakesIn(around([`hooks: ${hooks}`])).join('\n')
  const said: [hooks: string, pattern: RegExp][] = [
    ['{ before: ./flush.sh --now }', /hooks\.before .*not a list of programs.*no shell.*write \[\[/],
    ['{ before: [./flush.sh --now] }', /hooks\.before\[0\] .*not a list with a program.*no shell.*write \[/],
    ['{ after: [[sleep, 5]] }', /hooks\.after\[0\]\[1\] .*not text.*in quotes/],
    ['{ on_failure: [[]] }', /hooks\.on_failure\[0\] .*is empty/],
    ['{ on_failure: [[""]] }', /names no program/],
    ['{ after: [[a, "b\\0c"]] }', /hooks\.after\[0\]\[1\] .*cannot hold the character 0/],
    ['{ timeout: 5 }', /hooks\.timeout .*no unit/],
    ['{ berfore: [[a]] }', /did you mean before\?/],
  ]
  for (const [hooks, pattern] of said) assert.match(wrong(hooks), pattern, hooks)
})

test('a secret in an argument is a warning: everybody on the host can read it', () => {
  const text = around(['hooks: { after: [[curl, "token=${MY_TOKEN}"]] }'])
  const { warnings } = load(text, { environment: { MY_TOKEN: 's3cr3t-word' } })
  assert.match(warnings.join(), /hooks\.after\[0\]\[1\] .*everybody on this host/)
  assert.doesNotMatch(warnings.join(), /s3cr3t/)
})
