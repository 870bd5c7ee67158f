import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test, type TestContext } from 'node:test'
import type { AppDoor } from '../../src/cli/app-contract.ts'
import { runCli } from '../../src/cli/cli.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { faultTable } from '../../src/core/faults.ts'

interface Said {
  exit: number
  stdout: string
  stderr: string
}

/** Runs a line without a person and without a program behind it. */
async function type(line: string, door: () => Promise<AppDoor> = closedDoor): Promise<Said> {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const terminal: Terminal = {
    stdout,
    stderr,
    isScreen: false,
    drawsProgress: false,
    canAsk: false,
    width: null,
    colours: { stdout: false, stderr: false },
    ask: () => assert.fail('nobody is there to ask'),
    askSecret: () => assert.fail('nobody is there to ask'),
    onInterrupt: () => () => undefined,
    exit: () => assert.fail('left at once'),
  }
  const exit = await runCli({ argv: line.split(' ').filter(Boolean), terminal, door })
  return { exit, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

const closedDoor = () => assert.fail('the program was loaded for a line that cannot work')

test('help lists every command, needs no configuration, and explains each', async () => {
  const all = await type('--help')
  assert.equal(all.exit, 0)
  for (const name of ['serve|daemon', 'run|backup', 'status|health', 'restore', 'catalog', 'config', 'init'])
    assert.match(all.stdout, new RegExp(`^ {2}${RegExp.escape(name)} `, 'm'))
  assert.equal((await type('')).stdout, all.stdout)
  assert.match((await type('help restore')).stdout, /--target-db <value>/)
  assert.match((await type('help catalog sync')).stdout, /catalog sync/)
  assert.match((await type('--version')).stdout, /^\d+\.\d+\.\d+\n$/)
})

test('every exit code is documented with its name and meaning', async () => {
  const { stdout } = await type('help exit-codes')
  assert.match(stdout, /^ {2}0 {2}ok +everything went well$/m)
  for (const [code, { exit, means }] of Object.entries(faultTable))
    assert.match(stdout, new RegExp(`^ *${exit} {2}${code} +${RegExp.escape(means)}$`, 'm'))
})

test('each wrong line is answered on standard error with what is wrong and what to do', async () => {
  const cases: [string, number, RegExp][] = [
    ['lst', 2, /^error: unknown command `lst`\n {2}did you mean `list`\?\n$/],
    ['list --limt 3', 2, /^error: unknown option `--limt`\n {2}did you mean `--limit`\?\n$/],
    ['list --limit', 2, /^error: option .*--limit.* argument missing\n {2}`easy-backup help`/],
    ['list a b', 2, /^error: too many arguments/],
    ['run ../../etc', 2, /^error: `\.\.\/\.\.\/etc` is not a strategy name, tag:x or all\n {2}write `run/],
    ['show', 2, /^error: `show` needs a backup id/],
    ['catalog', 2, /^error: `catalog` needs another word\n {2}`easy-backup help catalog`/],
    ['catalog snc', 2, /^error: unknown command `snc`\n {2}did you mean `sync`\?\n$/],
    ['config', 2, /^error: `config` needs another word/],
    ['-c some.yml config', 2, /^error: `config` needs another word\n {2}`easy-backup help config`/],
    ['-c some.yml', 2, /^error: no command was given\n {2}`easy-backup help` lists them\n$/],
    ['help nothing', 2, /^error: unknown command `nothing`\n/],
    ['clone shop --yes', 2, /^error: `clone` needs a name of a place\n {2}write `clone <strategy> <place>/],
    ['restore x --yes=3', 2, /^error: unknown option `--yes=3`/],
    ['--config', 2, /^error: option .* argument missing/],
  ]
  for (const [line, exit, stderr] of cases) {
    const said = await type(line)
    assert.equal(said.exit, exit, line)
    assert.equal(said.stdout, '', line)
    assert.match(said.stderr, stderr, line)
  }
})

test('with --json, wherever it stands, an error is one JSON object on standard error', async () => {
  for (const line of ['--json lst', 'lst --json', 'list --limit 0 --json', 'clone --json x']) {
    const { exit, stdout, stderr } = await type(line)
    const { error } = JSON.parse(stderr) as { error: { code: string; exit: number; text: string } }
    assert.equal(error.exit, exit, line)
    assert.notEqual(error.text, '')
    assert.equal(stdout, '')
  }
})

test('init writes the starter file for its owner alone, and never over a file', async (t) => {
  const folder = await scratch(t)
  const file = join(folder, 'mine.yml')
  const door = () => Promise.resolve({ starterFile: () => Promise.resolve('version: 1\n') } as AppDoor)
  assert.equal((await type(`init -c ${file}`, door)).exit, 0)
  assert.equal(await readFile(file, 'utf8'), 'version: 1\n')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  await writeFile(file, 'precious')
  const again = await type(`--config ${file} init`, door)
  assert.equal(again.exit, 2)
  assert.match(again.stderr, /mine\.yml is there already; init never writes over a file/)
  assert.equal(await readFile(file, 'utf8'), 'precious')
  const nowhere = await type(`init --config ${join(folder, 'no', 'x.yml')}`, door)
  assert.equal(nowhere.exit, faultTable['disk-failed'].exit)
  assert.ok(!existsSync(join(folder, 'no')))
})

async function scratch(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'easy-backup-cli-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}
