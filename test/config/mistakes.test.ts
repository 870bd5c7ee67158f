import assert from 'node:assert/strict'
import { test } from 'node:test'
import { around, load, mistakesIn, path } from './load.ts'

test('a file with ten mistakes prints ten lines, in file order, each with its place and what to write instead', () => {
  const text = `version: 2
global:
  slak: {}
  slack: { bot_token: xoxb-1, channel_id: "#backups" }
  timezone: Europe/Pari
  retention: { max_age: 30 }
  max_parallel_strategies: two
  storages: { disk: { type: locl, path: /b } }
strategies:
  - name: Shop DB
    database_url: postgres://me:\${DB_PASSWORD}@db/shop
  - database_url: postgres://db/blog
`
  assert.deepEqual(mistakesIn(text), [
    '1:10  version  2 is not possible here  write 1',
    '3:3  global.slak  unknown key  did you mean slack?',
    '4:43  global.slack.channel_id  "#backups" is not a channel id  write its id such as C0123456789: open the channel in Slack, click its name; the id is at the bottom of About',
    '5:13  global.timezone  "Europe/Pari" is not a time zone  did you mean Europe/Paris?',
    '6:25  global.retention.max_age  30 has no unit  write 30m for minutes, 30d for days',
    '7:28  global.max_parallel_strategies  "two" is not a whole number  write 4',
    '8:29  global.storages.disk.type  "locl" is not a kind of place  did you mean local?',
    '10:11  strategies[0].name  "Shop DB" is not a name (small letters, digits, - and _, at most 63)  write shop-db',
    '11:33  strategies[0].database_url  the environment variable DB_PASSWORD is not set  set DB_PASSWORD (in .env, for example), or write ${DB_PASSWORD:-default}',
    '12:5  strategies[1].name  is missing  write name: production-db',
  ])
})

test('each mistake is also there as plain facts', () => {
  assert.throws(() => load(around(['prove: maybe'])), {
    name: 'ConfigMistakes',
    code: 'config-invalid',
    mistakes: [
      {
        file: path,
        line: 3,
        column: 10,
        path: 'global.prove',
        wrong: '"maybe" is not true or false',
        instead: 'write true or false',
      },
    ],
  })
})

/** Lines of `global`, lines of the strategy, and the one mistake they make (from its path on). */
const cases: [string, { global?: string[]; strategy?: string[] }, string][] = [
  [
    'a key of another level',
    { strategy: ['max_parallel_strategies: 2'] },
    'strategies[0].max_parallel_strategies  this key holds for the whole service  write it under global:',
  ],
  [
    'a strategy key under global',
    { global: ['database_url: postgres://db/x'] },
    'global.database_url  this key belongs to a strategy  write it in each strategy',
  ],
  [
    'Slack tokens in a strategy',
    { strategy: ['slack: { bot_token: xoxb-1 }'] },
    'strategies[0].slack.bot_token  the connection to Slack is one for the whole service  write it under global.slack',
  ],
  ['an empty key', { global: ['retention:'] }, 'global.retention  is empty  write 30d, or remove the line'],
  [
    'a form that exists nowhere',
    { global: ['retention: [30d]'] },
    'global.retention  a list is not an age such as 30d, or a group with max_age, keep_daily and the like  write 30d',
  ],
  [
    'a mistake inside one of two forms is said once',
    { global: ['retention: { max_age: 30d, min_kep: 2 }'] },
    'global.retention.min_kep  unknown key  did you mean min_keep?',
  ],
  [
    'a missing key names an example',
    { strategy: ['storage: [{ retention: 7d }]'] },
    'strategies[0].storage[0].name  is missing  write name: disk',
  ],
  [
    'a choice of databases that is none',
    { strategy: ['databases: some'] },
    'strategies[0].databases  "some" is not a choice of databases  write all, or { include: ["client_*"], exclude: ["*_scratch"] }',
  ],
  [
    'how long backups of databases that are gone are kept',
    { global: ['retention: { max_age: 30d, keep_gone: 7 }'] },
    'global.retention.keep_gone  7 has no unit  write 7m for minutes, 7d for days',
  ],
  [
    'what is not built yet is said once, whatever is in it',
    { global: ['spool: { typo: ${UNSET}, x: 1 }'.replace('${UNSET}', '"${UNSET}"')] },
    'global.spool  spool comes with the next release  remove it',
  ],
  ['spool', { strategy: ['spool: {}'] }, 'strategies[0].spool  spool comes with the next release  remove it'],
  [
    'a misspelt key of the bucket',
    { global: ['s3: { bucket: b-1, buket: c }'] },
    'global.s3.buket  unknown key  did you mean bucket?',
  ],
  [
    'a bucket without a name',
    { global: ['s3: { base_path: x }'] },
    'global.s3.bucket  is missing  write bucket: my-backups',
  ],
  [
    'half of the keys',
    { global: ['s3: { bucket: b-1, credentials: { access_key: AKIAXX } }'] },
    'global.s3  one of the two keys is missing  write access_key and secret_key, or none for the default chain',
  ],
  [
    'a path in place of a bucket',
    { global: ['s3: { bucket: s3://b-1/x }'] },
    'global.s3  "s3://b-1/x" is not the name of a bucket  write its name only, such as my-backups; the folder belongs into base_path',
  ],
  [
    'a base path that climbs',
    { global: ['s3: { bucket: b-1, base_path: ../x }'] },
    'global.s3  base_path is not a folder  write one such as backups/databases: letters, digits, . _ - and /',
  ],
  [
    'a part that S3 does not take',
    { global: ['s3: { bucket: b-1, part_size: 1MiB }'] },
    'global.s3  part_size is 1MiB  S3 takes parts of 5MiB to 5GiB',
  ],
  [
    'a size without a unit',
    { global: ['s3: { bucket: b-1, part_size: "16" }'] },
    'global.s3.part_size  "16" is not a size such as 16MiB  write 16MiB',
  ],
  [
    'a key for encryption that was not asked for',
    { global: ['s3: { bucket: b-1, kms_key_id: x }'] },
    'global.s3  kms_key_id is for aws:kms  write sse: "aws:kms" beside it',
  ],
  [
    'a compression of the bucket that does not exist',
    { global: ['s3: { bucket: b-1, compression: gzipp }'] },
    'global.s3.compression  "gzipp" is not a compression  did you mean gzip?',
  ],
  [
    'a bucket in a strategy',
    { strategy: ['s3: { bucket: b-1 }'] },
    'strategies[0].s3  a bucket in a strategy comes with the next release  name it under global.storages, with type: s3, and write storage: with that name here',
  ],
  [
    'a port of Slack that is none',
    { global: ['slack: { bot_token: xoxb-1, channel_id: C0123456789, signing_secret: x, port: 65536 }'] },
    'global.slack.port  65536 is too large  write 65535 or less',
  ],
  [
    'a name in place of a mentioned id',
    { global: ['slack: { bot_token: xoxb-1, channel_id: C0123456789, mention_on_failure: ["@anna"] }'] },
    'global.slack.mention_on_failure[0]  "@anna" is not the id of a user or user group  write an id such as U0123456789 (Slack: profile, ⋮, Copy member ID) or S0123456789',
  ],
  [
    'a number where a limit is meant',
    { global: ['timeout: { backup: 30 }'] },
    'global.timeout.backup  30 has no unit  write 30m for minutes, 30d for days',
  ],
  [
    'a city in place of a zone',
    { global: ['timezone: paris'] },
    'global.timezone  "paris" is not a time zone  did you mean Europe/Paris?',
  ],
  [
    'an offset in place of a zone',
    { global: ['timezone: "+02:00"'] },
    'global.timezone  "+02:00" is not a time zone  write a name such as Europe/Paris or UTC',
  ],
  [
    'a compression that does not exist',
    { global: ['compression: { type: gzipp }'] },
    'global.compression.type  "gzipp" is not a compression  did you mean gzip?',
  ],
  [
    'a level that the compression does not have',
    { strategy: ['compression: { type: gzip, level: 12 }'] },
    'strategies[0].compression.level  12 is too large  write 9 or less',
  ],
  [
    'a level without compression',
    { strategy: ['compression: { type: none, level: 1 }'] },
    'strategies[0].compression.level  none has no level  remove it',
  ],
  [
    'a place that is not there',
    { strategy: ['storage: dusk'] },
    'strategies[0].storage  there is no place named "dusk"  did you mean disk?',
  ],
  [
    'a place that is named twice',
    { strategy: ['storage: [disk, { name: disk, retention: 7d }]'] },
    'strategies[0].storage[1]  disk is named twice  remove it here',
  ],
  [
    'a retention per place that is none',
    { strategy: ['storage: [{ name: disk, retention: { keep_daily: -1 } }]'] },
    'strategies[0].storage[0].retention.keep_daily  -1 is too small  write 0 or more',
  ],
  [
    'an option that the database does not have',
    { strategy: ['options: { schema: [a] }'] },
    'strategies[0].options.schema  unknown key  did you mean schemas?',
  ],
  [
    'a replica of another kind',
    { strategy: ['dump_url: sqlite:///x.db'] },
    'strategies[0].dump_url  a SQLite URL, but the database is PostgreSQL  write a URL that begins with postgres:',
  ],
  [
    'the database given twice',
    { strategy: ['connection: { type: postgres, database: shop }'] },
    'strategies[0].connection  the database is given twice  keep either database_url or connection',
  ],
  [
    'a number where text is meant',
    { strategy: ['tags: [2026]'] },
    'strategies[0].tags[0]  2026 is not text  put it in quotes',
  ],
  [
    'a path for health that is none',
    { global: ['monitoring: { health_check: { path: health } }'] },
    'global.monitoring.health_check.path  "health" is not a path  write a path such as /health',
  ],
  [
    'health and metrics at the same address',
    { global: ['monitoring: { health_check: { port: 9090 }, metrics: { port: 9090, path: /health } }'] },
    'global.monitoring.metrics.path  health is served at /health on this port already  write path: /metrics',
  ],
]

for (const [name, { global = [], strategy = [] }, expected] of cases)
  test(`${name} is one mistake, in plain words`, () => {
    assert.deepEqual(
      mistakesIn(around(global, strategy)).map((line) => line.replace(/^\d+:\d+ {2}/, '')),
      [expected],
    )
  })

test('strategies without a database, with the same name or a reserved one', () => {
  const text = `global: { storages: { disk: { type: local, path: /b } } }
strategies:
  - name: a
  - name: b
    database_url: postgres://db/b
  - name: b
    database_url: db/b
  - name: all
    database_url: postgre://db/b
  - what
`
  assert.deepEqual(mistakesIn(text), [
    '3:5  strategies[0].database_url  the database is missing  write database_url: postgres://user:${DB_PASSWORD}@host:5432/name',
    '6:11  strategies[2].name  the name "b" is there twice  give each strategy its own name',
    '7:19  strategies[2].database_url  this is not a database URL  write a URL that begins with postgres:// or sqlite://',
    '8:11  strategies[3].name  "all" stands for every strategy  choose another name',
    '9:19  strategies[3].database_url  "postgre" is not a known kind of database  did you mean postgres?',
    '10:5  strategies[4]  "what" is not a group of keys  write its keys: name, database_url, connection, dump_url …',
  ])
})

test('a name in a map is judged at its key', () => {
  const text = `global: { storages: { disk: { type: local, path: /b } } }
strategies:
  Shop: { database_url: postgres://db/shop }
  blog: { name: blog, database_url: postgres://db/blog }
`
  assert.deepEqual(mistakesIn(text), [
    '3:3  strategies.Shop  "Shop" is not a name (small letters, digits, - and _, at most 63)  write shop',
    '4:11  strategies.blog.name  the name stands before the colon already  remove it',
  ])
})

test('a service without a place, or with several and no choice, does not start', () => {
  const strategies = 'strategies: [{ name: a, database_url: "postgres://db/a" }]\n'
  assert.deepEqual(mistakesIn(strategies), [
    '1:1  global.storages  there is no place for backups  write storages: { disk: { type: local, path: ./backups } } under global',
  ])
  const two = 'global: { storages: { a: { type: local, path: /a }, b: { type: local, path: /b } } }\n'
  assert.deepEqual(mistakesIn(two + strategies), [
    '1:1  global.storage  there are several places (a, b) and none is chosen  write storage: a under global',
  ])
  assert.deepEqual(mistakesIn(`${two}${strategies.replace('}]', ', storage: b }]')}`), [])
})

test('with global.s3 dumps go there when nothing is chosen, and the name s3 is taken', () => {
  const text = (more: string) => `global: { s3: { bucket: b-1 }, storages: { ${more} } }
strategies: [{ name: a, database_url: "postgres://db/a" }]
`
  assert.deepEqual(load(text('nas: { type: local, path: /b }')).strategies[0]!.storages, ['s3'])
  assert.deepEqual(mistakesIn(text('s3: { type: local, path: /b }')), [
    '1:44  global.storages.s3  global.s3 is the place of this name  choose another name here',
  ])
  const offsite = text('offsite: { type: s3, bucket: b-2, endpoint: "https://s3.example.com" }')
  assert.deepEqual(
    load(offsite).storages.map(({ name, kind, options }) => [name, kind, options.bucket]),
    [
      ['s3', 's3', 'b-1'],
      ['offsite', 's3', 'b-2'],
    ],
  )
})

test('a place is judged by its own driver', () => {
  const text = `global:
  storages:
    a: { type: local, path: / }
    b: { type: local }
    c: { type: azure, bucket: x }
    My Disk: { type: local, path: /x, foo: 1 }
strategies: [{ name: a, database_url: "postgres://db/a" }]
`
  assert.deepEqual(mistakesIn(text), [
    '3:8  global.storages.a  backups cannot lie in the root folder  name a folder',
    '4:5  global.storages.b.path  is missing  write path: ./backups',
    '5:16  global.storages.c.type  "azure" is not a kind of place  write local or s3',
    '6:5  global.storages.My Disk  "My Disk" is not a name (small letters, digits, - and _, at most 63)  write my-disk',
    '6:39  global.storages.My Disk.foo  unknown key  write path',
  ])
})

test('shares and sizes without their sign are told with it', () => {
  const wrong = (global: string): string[] =>
    mistakesIn(around([global])).map((line) => line.replace(/^\S+ {2}global\.\S+ {2}/, ''))
  assert.deepEqual(wrong('expect: { size_change: 50 }'), ['50 has no %  write 50%, or off'])
  assert.deepEqual(wrong('expect: { size_change: 0.5 }'), ['0.5 has no %  write 50%, or off'])
  assert.deepEqual(wrong('expect: { rows_change: half }'), [
    '"half" is not a share  write a share such as 50%, or off',
  ])
  assert.deepEqual(wrong('expect: { rows_change: 0% }'), [
    '"0%" is not between 1% and 10000%  write a share such as 50%, or off',
  ])
  assert.deepEqual(wrong('expect: { size_chnge: 50% }'), ['unknown key  did you mean size_change?'])
  assert.deepEqual(wrong('verify: { budget: 10 }'), ['10 has no unit  write 10GiB, or off'])
  assert.deepEqual(wrong('verify: { budget: 10GB }'), [
    '"10GB" is not a size  write a whole number with B, KiB, MiB or GiB, such as 10GiB, or off',
  ])
  assert.deepEqual(wrong('verify: { places: { dsk: 1GiB } }'), [
    'there is no place named "dsk"  did you mean disk?',
  ])
})
