import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConfigMistakes } from '../../src/config/mistakes.ts'
import { load } from './load.ts'

const example = readFileSync(new URL('../../config/example.yml', import.meta.url), 'utf8')
const surroundings = {
  environment: { SLACK_BOT_TOKEN: 'xoxb-1', DB_PASSWORD: 'pw', OWNER_PASSWORD: 'pw' },
  files: { '/run/secrets/analytics_password': 'pw' },
}

/** Puts some text in place of a piece of the example. */
const scraps = [
  '',
  ' ',
  '\n',
  '\t',
  ':',
  '- ',
  '[',
  '{',
  '}',
  '"',
  "'",
  '#',
  '&a ',
  '*a',
  '!!x ',
  '|\n',
  '? ',
  '<<: ',
  '---\n',
  '${',
  '${X}',
  '${file:/x}',
  '__proto__: ',
  'null',
  '0',
  '-1',
  '1e999',
  'true',
  '~',
  '/',
  '\0',
  '\u2028',
  '🐘',
  '%',
  '@',
]
const mutation = fc.record({
  at: fc.nat(example.length),
  length: fc.oneof(fc.nat(3), fc.nat(200)),
  scrap: fc.oneof(
    fc.constantFrom(...scraps),
    fc.string({ maxLength: 8 }),
    fc.nat(example.length).map((from) => example.slice(from, from + 40)),
  ),
})
type Mutation = { at: number; length: number; scrap: string }

function mutate(mutations: Mutation[]): string {
  return mutations.reduce(
    (text, { at, length, scrap }) => text.slice(0, at) + scrap + text.slice(at + length),
    example,
  )
}

function lookAt(text: string): void {
  try {
    load(text, surroundings)
  } catch (error) {
    assert.ok(error instanceof ConfigMistakes, `${String(error)}\n${(error as Error).stack}`)
    const lines = text.split('\n').length
    const seen = new Set<string>()
    let before = 0
    for (const { line, column, path, wrong, instead } of error.mistakes) {
      assert.ok(line >= before && line <= lines && column >= 1, `${line}:${column}`)
      assert.ok(path && wrong && instead)
      assert.ok(!seen.has(`${line}:${column}:${path}`), 'one mistake per place')
      seen.add(`${line}:${column}:${path}`)
      before = line
    }
    assert.equal(error.message.split('\n').length, error.mistakes.length)
  }
}

/** CPU time in ms of the fastest of three goes: other processes and the collector do not count. */
function costOf(text: string): number {
  const costs = [1, 2, 3].map(() => {
    const begun = process.cpuUsage()
    lookAt(text)
    const { user, system } = process.cpuUsage(begun)
    return (user + system) / 1000
  })
  return Math.min(...costs)
}

test('whatever happens to a file, it loads or its mistakes are listed, within 50 ms', () => {
  lookAt(example)
  fc.assert(
    fc.property(fc.array(mutation, { minLength: 1, maxLength: 4 }), (mutations) => {
      const text = mutate(mutations)
      const begun = performance.now()
      lookAt(text)
      if (performance.now() - begun > 50) assert.ok(costOf(text) < 50)
    }),
    { numRuns: 300 },
  )
})
