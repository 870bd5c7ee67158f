import assert from 'node:assert/strict'
import { test } from 'node:test'
import { around, load, mistakesIn, type Surroundings } from './load.ts'

function tempDirOf(written: string, surroundings?: Surroundings): string {
  return load(around([`temp_dir: ${written}`]), surroundings).tempDir
}

test('${NAME} is the environment, and .env where the environment has nothing', () => {
  assert.equal(tempDirOf('${DIR}', { environment: { DIR: '/a' } }), '/a')
  assert.equal(tempDirOf('${DIR}', { dotenv: '# folders\nDIR="/b"\n' }), '/b')
  assert.equal(tempDirOf('${DIR}', { environment: { DIR: '/a' }, dotenv: 'DIR=/b\n' }), '/a')
  assert.equal(tempDirOf('/x/${A}-${B}', { environment: { A: '1', B: '2' } }), '/x/1-2')
})

test('${NAME:-default} is the default where there is no value', () => {
  assert.equal(tempDirOf('${DIR:-/d}'), '/d')
  assert.equal(tempDirOf('${DIR:-/d}', { environment: { DIR: '' } }), '/d')
  assert.equal(tempDirOf('${DIR:-/d}', { environment: { DIR: '/e' } }), '/e')
})

test('a value that comes out empty is as if it were not written', () => {
  const slack = ['slack:', '  bot_token: xoxb-1', '  channel_id: C0123456789', '  app_token: ${APP_TOKEN:-}']
  assert.equal(load(around(slack)).slack!.appToken, null)
})

test('${file:…} is the content of a file, without its last line break, and hidden', () => {
  const config = load(around(['temp_dir: ${file:/run/secrets/dir}']), {
    files: { '/run/secrets/dir': '/hidden\n' },
  })
  assert.equal(config.tempDir, '/hidden')
  assert.ok(config.secrets.includes('/hidden'))
  assert.ok(!JSON.stringify(config.redacted).includes('hidden'))
})

test('a file is looked for beside the configuration', () => {
  assert.equal(tempDirOf('${file:dir.txt}', { files: { '/etc/easy-backup/dir.txt': '/x' } }), '/x')
})

test('$${NAME} stays ${NAME}, and a lone $ means nothing', () => {
  assert.equal(tempDirOf('/a/$${HOME}/$X$'), '/a/${HOME}/$X$')
})

test('keys and comments are left alone', () => {
  assert.deepEqual(mistakesIn(around(['# ${UNSET}', '${UNSET}: 1'])), [
    '4:3  global.${UNSET}  unknown key  remove it',
  ])
})

test('what comes from outside is never read as YAML, nor again for ${…}', () => {
  const environment = { DIR: '/x\nprove: false # ${OTHER} "' }
  assert.equal(tempDirOf('${DIR}', { environment }), environment.DIR)
})

test('numbers and switches may come from outside', () => {
  const config = load(
    around([
      'prove: ${PROVE}',
      'max_parallel_strategies: ${PARALLEL}',
      'timeout: { stall: "${STALL}" }',
      'monitoring: { health_check: { port: "${PORT}" } }',
    ]),
    { environment: { PROVE: 'false', PARALLEL: '7', STALL: '2m', PORT: '9000' } },
  )
  assert.equal(config.strategies[0]!.prove, false)
  assert.equal(config.maxParallel, 7)
  assert.equal(config.health!.port, 9000)
  assert.deepEqual(
    mistakesIn(around(['max_parallel_strategies: ${PARALLEL}']), { environment: { PARALLEL: 'many' } }),
    ['3:28  global.max_parallel_strategies  "many" is not a whole number  write 4'],
  )
  assert.deepEqual(mistakesIn(around(['max_parallel_strategies: "7"'])), [
    '3:28  global.max_parallel_strategies  "7" is not a whole number  write 4',
  ])
})

test('a password from outside needs no percent-encoding, and one that has it keeps it', () => {
  const urlWith = (password: string) =>
    load(
      'global: { storages: { disk: { type: local, path: /b } } }\n' +
        'strategies: { shop: { database_url: "postgres://me:${PW}@db/shop?x=${PW}" } }\n',
      { environment: { PW: password } },
    ).strategies[0]!.source.url
  assert.equal(urlWith('p@ss/w#rd?%'), 'postgres://me:p%40ss%2Fw%23rd%3F%25@db/shop?x=p@ss/w#rd?%')
  assert.equal(urlWith('p%40ss'), 'postgres://me:p%40ss@db/shop?x=p%40ss')
  assert.equal(urlWith('plain'), 'postgres://me:plain@db/shop?x=plain')
})

test('each reference that cannot be followed is a mistake at its own place', () => {
  const files = { '/empty': '\n' }
  const cases: [string, string][] = [
    [
      '/a/${UNSET}',
      '3:16  global.temp_dir  the environment variable UNSET is not set  set UNSET (in .env, for example), or write ${UNSET:-default}',
    ],
    [
      '${EMPTY}',
      '3:13  global.temp_dir  the environment variable EMPTY is empty  set EMPTY (in .env, for example), or write ${EMPTY:-default}',
    ],
    [
      '${file:/none}',
      '3:13  global.temp_dir  the file /none does not exist  correct the path, or its rights',
    ],
    ['${file:/empty}', '3:13  global.temp_dir  the file /empty is empty  put the value into it'],
    [
      '/a/${open',
      '3:16  global.temp_dir  ${ is never closed  write ${NAME}, or $${ for the characters themselves',
    ],
    [
      '${A-b}',
      '3:13  global.temp_dir  ${A-b} is not understood  write ${NAME}, ${NAME:-default} or ${file:/run/secrets/name}; $${ for the characters themselves',
    ],
    [
      '"${A:-${B}}"',
      '3:14  global.temp_dir  ${A:-${B} is not understood  write ${NAME}, ${NAME:-default} or ${file:/run/secrets/name}; $${ for the characters themselves',
    ],
  ]
  for (const [written, expected] of cases)
    assert.deepEqual(mistakesIn(around([`temp_dir: ${written}`]), { environment: { EMPTY: '' }, files }), [
      expected,
    ])
})
