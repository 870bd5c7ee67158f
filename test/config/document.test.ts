import assert from 'node:assert/strict'
import { test } from 'node:test'
import { around, mistakesIn } from './load.ts'

const text = (...lines: string[]) => `${lines.join('\n')}\n`
const whole = around([])

const hostile: [string, string, string[]][] = [
  ['an empty file', '', ['1:1  (file)  the file is empty  start it with strategies:']],
  ['a file of comments', '# nothing\n', ['1:1  (file)  the file is empty  start it with strategies:']],
  ['an empty document', '---\n', ['1:4  (file)  the file is empty  start it with strategies:']],
  ['a list', '- a\n', ['1:1  (file)  the file is not a group of keys  start it with strategies:']],
  ['a word', 'hello\n', ['1:1  (file)  the file is not a group of keys  start it with strategies:']],
  [
    'several documents',
    `${whole}---\n${whole}`,
    ['6:1  (file)  the file holds several documents  remove the line ---'],
  ],
  ['a tab', text('global:', '\tlog_level: info'), ['2:1  (file)  a tab is used as indentation  use spaces']],
  [
    'a key that is not indented like the others of its item',
    text('strategies:', '  - name: shop', '   database_url: postgres://db/shop'),
    [
      '3:1  (file)  this line belongs neither to the item above nor to a new one  indent it as far as the keys of the item above, or begin it with "- "',
    ],
  ],
  [
    'a key between two indentations',
    text('global:', '    log_level: info', '  prove: true'),
    [
      '3:1  (file)  this line is indented neither like the key above nor like one below it  begin it exactly below the keys it belongs to',
    ],
  ],
  [
    'an unclosed bracket',
    text('global: { log_level: info', 'strategies: []'),
    [
      '2:1  (file)  not YAML: flow map in block collection must be sufficiently indented and end with a }  check its indentation, brackets and quotes',
    ],
  ],
  [
    'an unclosed quote',
    text('global:', '  log_level: "info'),
    ['3:1  (file)  not YAML: missing closing "quote  check its indentation, brackets and quotes'],
  ],
  [
    'a colon inside a value',
    text('global:', '  log_level: a: b'),
    ['2:14  (file)  a value holds ": "  put the value into quotes, or start it on its own line'],
  ],
  [
    'a reserved first character',
    text('global:', '  log_level: @info'),
    ['2:14  (file)  a value cannot begin with @  put the value into quotes'],
  ],
  [
    'a variable between brackets without quotes',
    text('global:', '  slack: { bot_token: ${TOKEN} }'),
    ['2:24  (file)  ${…} stands inside { } or [ ] without quotes  put it into quotes: "${NAME}"'],
  ],
  [
    'a key twice',
    `${whole}version: 1\nversion: 1\n`,
    ['7:1  version  this key is there twice  remove one of them'],
  ],
  ['__proto__', `${whole}__proto__: { x: 1 }\n`, ['6:1  __proto__  unknown key  remove it']],
  [
    'constructor',
    `${whole}constructor: 1\n`,
    ['6:1  constructor  unknown key  write version, global or strategies'],
  ],
  [
    'merging',
    around(['<<: { prove: true }']),
    ['3:3  global.<<  merging with << is not supported  write what is shared under global'],
  ],
  [
    'a tag',
    around(['prove: !!js/function x']),
    ['3:10  (file)  the tag !!js/function is not known  remove it'],
  ],
  [
    'a known tag',
    around(['prove: !!bool true']),
    ['3:17  global.prove  the tag !!bool is not known  remove it'],
  ],
  ['a key that is a list', around(['? [a, b]', ': 1']), ['3:5  (file)  a key is not a word  remove it']],
  [
    'an alias without its anchor',
    around(['log_level: *level']),
    ['3:14  global.log_level  *level names no anchor above it  write the value itself'],
  ],
  [
    'an alias that holds itself',
    around(['slack: &self { channels: *self }']),
    ['3:28  global.slack.channels  *self holds itself  write the value itself'],
  ],
]

for (const [name, file, expected] of hostile)
  test(`${name}: a clear mistake with its place`, () => {
    const lines = mistakesIn(file)
    for (const line of expected) assert.ok(lines.includes(line), lines.join('\n'))
  })

test('what is written once and used by an alias is wrong once', () => {
  const file = text(
    'global: { storages: { disk: { type: local, path: /b } } }',
    'strategies:',
    '  - &shared',
    '    name: a',
    '    database_url: postgres://db/a',
    '    prove: maybe',
    '  - name: b',
    '    database_url: postgres://db/a',
    '    timeout: &t { backup: 30 }',
    '  - name: c',
    '    database_url: postgres://db/a',
    '    timeout: *t',
  )
  assert.deepEqual(mistakesIn(file), [
    '6:12  strategies[0].prove  "maybe" is not true or false  write true or false',
    '9:27  strategies[1].timeout.backup  30 has no unit  write 30m for minutes, 30d for days',
  ])
})

test('aliases that multiply are refused before they fill the memory', () => {
  const levels = Array.from({ length: 12 }, (_, n) =>
    n === 0 ? 'a0: &a0 [x, x, x, x, x, x, x, x, x]' : `a${n}: &a${n} [${`*a${n - 1}, `.repeat(9)}]`,
  )
  const begun = process.cpuUsage()
  const lines = mistakesIn(text(...levels))
  assert.ok(process.cpuUsage(begun).user < 2e6)
  assert.ok(
    lines.some((line) => line.includes('the file grows too large')),
    lines.join('\n'),
  )
})

test('brackets without end are refused, not a crash', () => {
  const begun = process.cpuUsage()
  assert.equal(mistakesIn('['.repeat(900_000)).length, 1)
  assert.ok(process.cpuUsage(begun).user < 5e6, 'it has to be seen before the parser needs half a minute')
  assert.equal(mistakesIn(`a: ${'['.repeat(500)}${']'.repeat(500)}`).length > 0, true)
  assert.deepEqual(mistakesIn(`#${'x'.repeat(1_000_001)}`), [
    '1:1  (file)  the file is larger than 1 MB  a configuration is a few pages',
  ])
})

test('no strategies, and a whole server without a database to read its list from, are told with what to write', () => {
  assert.match(
    mistakesIn('strategies: []\n').join('\n'),
    /strategies {2}is empty {2}write - name: production-db, and below it database_url: postgres:/,
  )
  const server = text(
    'global: { storages: { disk: { type: local, path: /b } } }',
    'strategies:',
    '  - { name: server, connection: { type: postgres, host: db }, databases: all }',
  )
  assert.deepEqual(mistakesIn(server), [
    '3:21  strategies[0].connection.database  is missing  write database: postgres (where the list of databases is read)',
  ])
})
