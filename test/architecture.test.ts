import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importsOf, sourceFiles, withoutComments, type SourceFile } from './support/source-files.ts'

/** Folder or file of src → the folders and files of src it may import. A folder that is missing here may import only itself. */
const law: Record<string, string[]> = {
  main: ['app', 'cli'],
  app: ['*'],
  core: [],
  sys: ['core'],
  config: ['core', 'sys'],
  sources: ['core', 'sys'],
  tunnels: ['core', 'sys'],
  filters: ['core', 'sys'],
  storages: ['core', 'sys'],
  state: ['core', 'sys'],
  engine: [
    'core',
    'sys',
    'state',
    'gate',
    'sources/source',
    'tunnels/tunnel',
    'filters/filter',
    'storages/storage',
    'notifiers/notifier',
  ],
  gate: ['core', 'state'],
  commands: ['core', 'gate', 'engine/facade'],
  notifiers: ['core', 'sys'],
  observe: ['core'],
  slack: ['core', 'gate', 'commands', 'notifiers/notifier'],
  cli: ['core', 'commands'],
  http: ['core', 'commands'],
}

/** Package → who may import it. A package that is missing here may be imported by nobody. */
const packages: Record<string, string[]> = {
  'node:child_process': ['sys/process'],
  'node:sqlite': ['state', 'sources/sqlite'],
  'node:worker_threads': ['sources/sqlite'],
  'node:timers': [],
  'node:timers/promises': [],
  'node:http': ['http', 'slack/http', 'slack/listener'],
  'node:https': [],
  'node:net': ['sys/net', 'sys/feed', 'sources/mysql'], // feed: a pair of joined sockets, nothing leaves the machine
  'node:tls': ['sys/net', 'sources/mysql', 'sources/postgres'],
  'node:readline/promises': ['cli'],
  'node:tty': ['cli'],
  '@aws-sdk/': ['storages/s3'],
  '@azure/': ['storages/azure'],
  '@google-cloud/': ['storages/gcs'],
  '@smithy/': ['storages/s3'],
  '@slack/': ['slack'],
  'age-encryption': ['filters/age'],
  socks: ['tunnels/socks5'],
  ajv: ['config', 'commands'],
  'ajv-formats': ['config', 'commands'],
  commander: ['cli'],
  croner: ['core/schedule'],
  fastify: ['http'],
  kysely: ['state'],
  luxon: ['core', 'engine/manifest'],
  mongodb: ['sources/mongodb'],
  'package.json': ['app', 'cli'],
  mysql2: ['sources/mysql'],
  'node-schedule': ['engine/scheduler'],
  nodemailer: ['notifiers/email'],
  pg: ['state/database', 'sources/postgres'],
  pino: ['observe/log'],
  'prom-client': ['observe/metrics'],
  ssh2: ['sys/ssh', 'storages/sftp', 'tunnels'],
  typebox: ['*'],
  undici: ['sys/net', 'slack'],
  yaml: ['config', 'cli'],
}

/** What the machine gives → the files that may take it. Deadlines on calls to outside (`AbortSignal.timeout`) and names that
 * nobody can guess (`node:crypto`) are free: no test has to move them. */
const owners: { what: string; pattern: RegExp; owner: string[] }[] = [
  { what: 'environment', pattern: /\bprocess\.env\b/, owner: ['app', 'sys/process'] },
  { what: 'wall time', pattern: /\bDate\.now\b|\bnew Date\(\)|\bDate\(\)/, owner: ['sys/clock'] },
  { what: 'monotonic time', pattern: /\bperformance\.now\b|\bhrtime\b/, owner: ['sys/clock'] },
  { what: 'timers', pattern: /\bset(Timeout|Interval)\b/, owner: ['sys/clock'] },
  { what: 'randomness', pattern: /\bMath\.random\b/, owner: ['sys/clock'] },
  {
    what: 'standard output',
    pattern: /\bconsole\.|\bprocess\.std(out|err)\.write\b/,
    owner: ['app', 'main', 'cli'],
  },
  { what: 'the end of the process', pattern: /\bprocess\.(exit|abort)\b/, owner: ['main', 'cli'] },
]

const longestFile = 300
const files = sourceFiles('src')

test('folders import only down the walk', () => {
  assert.deepEqual(files.flatMap(lawBreaks), [])
})

test('each package has its owner', () => {
  assert.deepEqual(files.flatMap(packageBreaks), [])
})

test('time, randomness, environment, output and exit have one owner each', () => {
  assert.deepEqual(files.flatMap(ownerBreaks), [])
})

test('no file of src is over 300 lines', () => {
  assert.deepEqual(
    files.filter(({ lines }) => lines > longestFile).map(({ path, lines }) => `${path}: ${lines} lines`),
    [],
  )
})

test('every import can be read from the text, and names its file with .ts', () => {
  const unreadable = files.filter(({ imports }) => imports.includes('?')).map(({ path }) => path)
  assert.deepEqual(unreadable, [])
  const lost = files.flatMap(({ path, imports }) =>
    imports.filter((name) => name.startsWith('src/') && !files.some((file) => file.path === name)).map((name) => `${path} -> ${name}`),
  ) // prettier-ignore
  assert.deepEqual(lost, [])
})

test('the law sees every kind of import, and breaks of it', () => {
  const samples = [
    "import { a } from './a.ts'",
    "import type { A } from './a.ts'",
    "import {\n  a,\n  b,\n} from './a.ts'",
    "export { a } from './a.ts'",
    "export * from './a.ts'",
    "import './a.ts'",
    "const a = await import('./a.ts')",
    "type A = import('./a.ts').A",
  ]
  for (const sample of samples) assert.deepEqual(importsOf(sample), ['./a.ts'], sample)
  assert.deepEqual(importsOf('await import(name)'), ['?'])
  assert.deepEqual(importsOf("createRequire(import.meta.url)('pg')"), ['?'])
  assert.deepEqual(importsOf("const sql = `select a\nfrom 'b'`"), [])
  assert.equal(withoutComments("a // import('b')\n/* process.env */c").replaceAll(/\s/g, ''), 'ac')

  const file = (path: string, ...imports: string[]): SourceFile => ({
    path: `src/${path}`,
    lines: 1,
    code: '',
    imports,
  })
  assert.equal(lawBreaks(file('engine/a', 'src/storages/storage', 'src/core/keys')).length, 0)
  assert.equal(lawBreaks(file('engine/a', 'src/storages/local/index', 'src/slack/app')).length, 2)
  assert.equal(lawBreaks(file('core/a', 'src/sys/files', 'test/support/clock')).length, 2)
  assert.equal(lawBreaks(file('newcomer/a', 'src/newcomer/b', 'src/core/keys')).length, 1)
  assert.equal(
    packageBreaks(file('engine/a', 'node:child_process', 'left-pad', '@aws-sdk/client-s3')).length,
    3,
  )
  assert.equal(packageBreaks(file('sys/process', 'node:child_process', 'node:fs')).length, 0)
  assert.equal(ownerBreaks({ ...file('engine/a'), code: 'Date.now(); process.env.HOME' }).length, 2)
  assert.equal(ownerBreaks({ ...file('sys/clock'), code: 'Date.now()' }).length, 0)
})

function lawBreaks({ path, imports }: SourceFile): string[] {
  const folder = path.split('/')[1]!
  const allowed = [folder, ...(law[folder] ?? [])]
  return imports
    .filter((name) => /^(src|test|playground|bench|scripts|\.\.)\//.test(name))
    .filter((name) => !(name.startsWith('src/') && within(name, allowed)))
    .map((name) => `${path} may not import ${name}`)
}

function packageBreaks({ path, imports }: SourceFile): string[] {
  return imports
    .filter((name) => /^(@|node:|[a-z])/.test(name) && !/^(src|test|playground|bench|scripts)\//.test(name))
    .filter((name) => !within(path, packageOwners(name)))
    .map((name) => `${path} may not import ${name}`)
}

/** Node's modules that touch nothing another part owns are free. */
function packageOwners(name: string): string[] {
  const key = Object.keys(packages).find(
    (owned) => name === owned || name.startsWith(owned.endsWith('/') ? owned : `${owned}/`),
  )
  return key ? packages[key]! : name.startsWith('node:') ? ['*'] : []
}

function ownerBreaks({ path, code }: SourceFile): string[] {
  return owners
    .filter(({ pattern, owner }) => pattern.test(code) && !within(path, owner))
    .map(({ what }) => `${path} may not take ${what}`)
}

function within(path: string, allowed: string[]): boolean {
  return allowed.some((name) => name === '*' || path === `src/${name}` || path.startsWith(`src/${name}/`))
}
