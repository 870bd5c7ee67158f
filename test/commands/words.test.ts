import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { commandsFor, read } from '../../src/commands/ask.ts'
import { quoted, splitWords } from '../../src/commands/words.ts'
import { Fault, faultFacts } from '../../src/core/faults.ts'

const slack = commandsFor('slack')

function parse(words: string) {
  const { command, args } = read({ words }, slack)
  return { name: command.name, args }
}

function refusal(words: string): { code: string; text: string; hint: string | null } {
  try {
    parse(words)
  } catch (error) {
    return faultFacts(error)
  }
  throw new Error(`understood: ${words}`)
}

test('words are split at spaces, and quotes of every kind keep them together', () => {
  const cases: [string, string[]][] = [
    ['', []],
    ['  run \t shop ', ['run', 'shop']],
    ['a "b c" d', ['a', 'b c', 'd']],
    ["--reason='bad migration'", ['--reason=bad migration']],
    ['“bad migration” x', ['bad migration', 'x']],
    ['„bad migration“', ['bad migration']],
    ["don't stop", ["don't", 'stop']],
    ['a\\ b \\"c', ['a b', '"c']],
    ['""', ['']],
    ['run\u0000shop\nall', ['run', 'shop', 'all']],
    ['C:\\dir', ['C:\\dir']],
  ]
  for (const [typed, words] of cases) assert.deepEqual(splitWords(typed), words, typed)
})

test('what a person types becomes a command and its arguments', () => {
  assert.deepEqual(parse(''), { name: 'overview', args: {} })
  assert.deepEqual(parse('help restore'), { name: 'help', args: { command: 'restore' } })
  assert.deepEqual(parse('RUN shop'), { name: 'run', args: { what: 'shop' } })
  assert.deepEqual(parse('run Shop'), { name: 'run', args: { what: 'Shop' } }) // no such name: the near one is told
  assert.deepEqual(parse('backup tag:client-a'), { name: 'run', args: { what: 'tag:client-a' } })
  assert.deepEqual(parse('list --limit 5 shop'), { name: 'list', args: { limit: 5, what: 'shop' } })
  assert.deepEqual(parse('restore shop latest --target-db=x --no-owner --dry-run --reason "bad day"'), {
    name: 'restore',
    args: { what: 'shop', backup: 'latest', targetDb: 'x', noOwner: true, dryRun: true, reason: 'bad day' },
  })
  assert.deepEqual(parse('restore shop --no-owner=false').args, { what: 'shop', noOwner: false })
  assert.deepEqual(parse('restore shop --table public.a --table=public.b').args, {
    what: 'shop',
    table: ['public.a', 'public.b'],
  })
  assert.deepEqual(parse('show —strategy shop latest').args, { strategy: 'shop', backup: 'latest' })
  assert.deepEqual(parse('confirm r1 3'), { name: 'confirm', args: { request: 'r1', version: 3 } })
})

test('each mistake is told with what to write instead', () => {
  const cases: [string, string, RegExp, RegExp][] = [
    ['lst', 'usage', /there is no command `lst`/, /did you mean `list`/],
    ['stat', 'usage', /there is no command/, /did you mean `status`/],
    ['frobnicate', 'usage', /no command `frobnicate`/, /commands: help, status/],
    ['get k3f9', 'usage', /no command `get`/, /commands: /],
    ['catalog sync', 'usage', /no command `catalog`/, /commands: /],
    ['run', 'usage', /`run` needs a strategy name, tag:x or all/, /write `run <strategy/],
    ['run a b', 'usage', /does not know what to do with `b`/, /write `run/],
    ['run ../../etc', 'usage', /`\.\.\/\.\.\/etc` is not a strategy name/, /write `run/],
    ['list --limt 3', 'usage', /`list` has no option `--limt`/, /did you mean `--limit`/],
    ['list --limit', 'usage', /--limit needs a value/, /write `list/],
    ['list --limit --tag x', 'usage', /--limit needs a value/, /write `list/],
    ['list --limit many', 'usage', /`many` is not a number from 1 to 10000/, /write `list/],
    ['list --limit 1 --limit 2', 'usage', /--limit was given twice/, /write `list/],
    ['list --level V9', 'usage', /`V9` is not a level: V0, V1, V2, V3/, /write `list/],
    ['list "shop', 'usage', /the quote that ends with " is not closed/, /close it/],
    ['restore x --table', 'usage', /--table needs a value/, /write `restore/],
    ['restore x --jobs many', 'usage', /`many` is not a number from 1 to 64/, /write `restore/],
    ['list --__proto__ x', 'usage', /has no option `--__proto__`/, /write/],
    ['list --constructor=x', 'usage', /has no option `--constructor`/, /write/],
    ['constructor', 'usage', /there is no command `constructor`/, /commands/],
    ['restore x --dry-run=maybe', 'usage', /`maybe` is not/, /write/],
  ]
  for (const [typed, code, text, hint] of cases) {
    const told = refusal(typed)
    assert.equal(told.code, code, typed)
    assert.match(told.text, text, typed)
    assert.match(told.hint ?? '', hint, typed)
  }
})

test('a database URL that is no line of text is not said again', () => {
  const told = refusal(`restore x --target-url "postgres://u:hunter2@h/${'x'.repeat(2100)}"`)
  assert.equal(told.text, '--target-url is not a database URL')
})

test('an endless command is refused by its length', () => {
  assert.match(refusal('x'.repeat(4001)).text, /at most 4000 characters/)
})

test('text of a person comes back short, on one line and without control characters', () => {
  assert.equal(quoted('a\n\u001B[31mb`c'), "`a [31mb'c`")
  assert.equal(quoted('ä'.repeat(100)), `\`${'ä'.repeat(59)}…\``)
})

test('whatever is typed is understood or refused with a Fault, at once', () => {
  const pieces = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom(...slack.map(({ name }) => name)),
    fc.constantFrom(
      '--',
      '—reason',
      '--target-db',
      '--limit=',
      'tag:',
      '../../etc',
      '<!channel>',
      'host=evil dbname=x',
    ),
    fc.constantFrom('"', "'", '“', '\\', ' ', '\u0000', '\u202E', '😀', '__proto__', 'all', 'latest'),
  )
  const typed = fc.oneof(
    { weight: 9, arbitrary: fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(' ')) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 3000, maxLength: 4200 }) },
  )
  fc.assert(
    fc.property(typed, (words) => {
      const { error, cpuMs } = timed(words)
      // A compilation or collection may fall into one of two tries, a slow parser is slow in both.
      assert.ok(cpuMs < 50 || timed(words).cpuMs < 50)
      if (!error) return
      assert.ok(error instanceof Fault, inspect(error))
      assert.ok(['usage', 'not-yet'].includes(error.code))
      assert.ok(error.message.length < 300)
      assert.doesNotMatch(error.message + (error.hint ?? ''), /\p{Cc}/u)
    }),
    { numRuns: 20_000 },
  )
})

function attempt(words: string): unknown {
  try {
    read({ words }, slack)
    return null
  } catch (error) {
    return error
  }
}

/** Time of this process alone: other work on the machine does not count. */
function timed(words: string): { error: unknown; cpuMs: number } {
  const begun = process.cpuUsage()
  const error = attempt(words)
  const { user, system } = process.cpuUsage(begun)
  return { error, cpuMs: (user + system) / 1000 }
}
