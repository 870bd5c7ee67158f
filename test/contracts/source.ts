import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { appendFile, readdir, mkdtemp, stat, truncate, copyFile, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { faultTable, type FaultCode } from '../../src/core/faults.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Manifest, TableRows } from '../../src/core/model.ts'
import { spellHost, type Host } from '../../src/core/tunnel.ts'
import type {
  Proof,
  RawInput,
  Sink,
  Source,
  SourceDriver,
  SourceSettings,
  TargetRequest,
  UrlFacts,
} from '../../src/sources/source.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { createProcesses, type Processes, type Running } from '../../src/sys/process.ts'
import { strays } from '../../src/sys/strays.ts'
import { removeLast } from '../support/ended.ts'
import { fileInput, folderSink } from '../support/source-sink.ts'
import {
  assertHidden,
  deadEnd,
  forwardTo,
  recordCommands,
  recordFaults,
  witnessed,
  type Witness,
} from './witness.ts'

/** One database made for one test. */
export interface MadeDatabase {
  url: string
  /** Exactly these tables, by name as the driver prints them. */
  tables: TableRows[]
}

export interface SourceFacts {
  driver: SourceDriver
  options?: Record<string, unknown>
  /** A database with several tables, some rows, and whatever is hard to copy; nothing that another test sees. */
  make(t: TestContext): Promise<MadeDatabase>
  /** One without tables. */
  makeEmpty(t: TestContext): Promise<MadeDatabase>
  /** Writes without a pause, each time the same number of rows into `ledger_a` and `ledger_b` in one transaction. */
  makeBusy(t: TestContext): Promise<MadeDatabase & { stop: () => Promise<void> }>
  /** Every row of every table, as text that is equal for equal content. @param place `TargetPlan.name`, null = the original */
  content(url: string, place: string | null): Promise<string>
  /** Is there anything at this place? */
  exists(url: string, place: string): Promise<boolean>
  /** Of a database that does not exist, on a server that answers; null: the server has no databases by name. */
  missingUrl(t: TestContext): string | Promise<string> | null
  /** Of a server that answers, with a password that it refuses. Absent: the suite puts one into a URL that has a password. */
  wrongPasswordUrl?(t: TestContext): string | Promise<string>
  /** Of a server that does not answer. Absent: the suite sends a driver with `hosts` to a port that nobody listens on. */
  unreachableUrl?(t: TestContext): string | Promise<string>
  badUrls: string[]
  /** What a URL holds that must not be shown. */
  secretOf(url: string): string | null
  /** false: the first bytes of its dumps say nothing for sure. */
  sniffs?: false
  /** The dump names its own end, and its restore tool takes what is behind that for nothing: then so does the proof. */
  endsItself?: true
  /** Its tool cannot dump one moment: the warning that says so, each time. Absent: it can. */
  notOneMoment?: RegExp
  /** Runs the stock commands in a folder as a person would. @returns the content that they restored; null = not possible here */
  paste(url: string, folder: string, commands: string[]): Promise<string | null>
}

/** The engine's own sink and input, or plain files. */
export interface Pipes {
  sink(folder: string, processes: Processes, running: Running): Sink
  input(path: string, processes: Processes, running: Running): RawInput
}

export const plainFiles: Pipes = { sink: folderSink, input: fileInput }
const never = new AbortController().signal
const stamp = '20261120_060000'
const headBytes = 65_536 // what `sniff` may see
export const beside: TargetRequest = { database: null, url: null, stamp, noOwner: false }

/** What every source promises. */
export function sourceContract(facts: SourceFacts, pipes: Pipes = plainFiles): void {
  const { driver } = facts
  const bench = async (t: TestContext, url: string, setting: Partial<BenchSetting> = {}): Promise<Bench> => {
    const b = await openBench(t, { facts, pipes, url, ...setting })
    const parsed = driver.parseUrl(url)
    const secrets = [facts.secretOf(url) ?? [], 'mistake' in parsed ? [] : parsed.secrets].flat()
    t.after(() => assertHidden(b.witness, secrets)) // whatever the test was about
    return b
  }
  const refused = async (b: Bench, code: FaultCode): Promise<void> => {
    await assert.rejects(b.source.inspect(b.series, never), { code, retry: faultTable[code].retry })
    const lines = await b.source.check(never)
    assert.equal(lines[0]?.ok, false, `doctor's first line is about reading, and finds nothing wrong`)
    assert.deepEqual(await readdir(b.out), [])
  }

  suite(`${driver.kind}: contract of sources`, () => {
    test('a URL shows where the database is, and hides its secret', async (t) => {
      const { url } = await facts.makeEmpty(t)
      const parsed = driver.parseUrl(url)
      assert.ok(!('mistake' in parsed))
      const secret = facts.secretOf(url)
      if (secret) assert.ok(parsed.secrets.includes(secret))
      if (secret) assert.ok(!`${parsed.endpoint}${parsed.database}`.includes(secret))
      assert.notEqual(parsed.database, '')
      if (/^[^:]+:\/\/(?:.*@)?[^/?#]*:\d+(?=[,/?#]|$)/.test(url))
        assert.notDeepEqual(parsed.hosts, [], 'the URL has a port: `hosts` lists its servers, for tunnels')
    })

    for (const url of facts.badUrls)
      test(`the URL ${JSON.stringify(url)} is a mistake with a way out`, () => {
        const parsed = driver.parseUrl(url)
        assert.ok('mistake' in parsed)
        assert.ok(parsed.mistake && parsed.hint)
      })

    test('what was dumped restores row for row equal, beside the original', async (t) => {
      const { url, tables } = await facts.make(t)
      const b = await bench(t, url)
      const before = await facts.content(url, null)
      const backup = await b.backUp()
      assert.deepEqual(backup.tables, tables)
      const plan = await b.source.plan(backup, beside, never)
      assert.deepEqual(plan.blockers, [])
      assert.equal(plan.exists, false)
      const restored = await b.restore(backup)
      assert.deepEqual(sorted(restored.tables), tables)
      assert.equal(await facts.content(url, plan.name), before)
      assert.equal(await facts.content(url, null), before)
      const secret = facts.secretOf(url)
      if (secret) assert.ok(!JSON.stringify([plan, restored, backup]).includes(secret))
    })

    test('the stock commands restore it without us', async (t) => {
      const { url } = await facts.make(t)
      const b = await bench(t, url)
      await b.backUp()
      const commands = b.source.stockRestore({ series: b.series.name, artifacts: [b.artifact()] })
      const pasted = await facts.paste(
        url,
        b.out,
        commands.map((line) => line.replaceAll('{file}', b.artifact())),
      )
      if (pasted === null) t.skip('the stock program is not installed')
      else assert.equal(pasted, await facts.content(url, null))
    })

    test('the dump is one file with a plain name that does not end in .json', async (t) => {
      const { url } = await facts.make(t)
      const b = await bench(t, url)
      await b.backUp()
      assert.match(b.artifact(), /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
      assert.doesNotMatch(b.artifact(), /\.json$/)
    })

    test('a database without tables says so, and its dump is proved', async (t) => {
      const { url } = await facts.makeEmpty(t)
      const b = await bench(t, url)
      assert.equal((await b.source.inspect(b.series, never)).hasTables, false)
      assert.deepEqual((await b.backUp()).tables, [])
    })

    test('inspecting tells engine, versions, size and place', async (t) => {
      const { url } = await facts.make(t)
      const b = await bench(t, url)
      const inspection = await b.source.inspect(b.series, never)
      const parsed = driver.parseUrl(url)
      assert.ok(!('mistake' in parsed))
      assert.equal(inspection.hasTables, true)
      assert.equal(inspection.engine.kind, driver.kind)
      assert.equal(inspection.endpoint, parsed.endpoint)
      assert.equal(inspection.database, parsed.database)
      assert.match(inspection.engine.serverVersion, /^\d+/)
      assert.ok(inspection.sizeBytes! > 0)
      const warnings = inspection.warnings.filter((text) => !facts.notOneMoment?.test(text))
      assert.deepEqual(
        warnings,
        [],
        'a sound backup would warn each time: what is only a remark, context.said gets',
      )
    })

    test('the first bytes of a dump say what it is, or are said to say nothing', async (t) => {
      const { url } = await facts.make(t)
      const b = await bench(t, url)
      const { format } = await b.backUp()
      const chunks: Buffer[] = []
      await b.input().intoReader((chunk) => void chunks.push(Buffer.from(chunk)))
      const sniffed = driver.sniff(Buffer.concat(chunks).subarray(0, headBytes))
      assert.equal(sniffed?.format ?? null, facts.sniffs === false ? null : format)
    })

    test('a server behind a tunnel is reached through it alone, by sessions and by programs', async (t) => {
      const { url, tables } = await facts.make(t)
      const { hosts } = driver.parseUrl(url) as UrlFacts
      if (hosts.length === 0) return t.skip('it is behind no network')
      const end = await forwardTo(hosts[0]!, t)
      const hidden = { host: 'db.invalid', port: 4711 } // a name that no server of names knows
      const away = url.replace(spellHost(hosts[0]!), spellHost(hidden))
      assert.deepEqual((driver.parseUrl(away) as UrlFacts).hosts, [hidden])
      const asked: Host[] = []
      const reach = (host: Host): Host => (asked.push(host), end)
      const b = await bench(t, away, { reach })
      const backup = await b.backUp()
      assert.deepEqual(backup.tables, tables)
      assert.equal(backup.endpoint, (driver.parseUrl(away) as UrlFacts).endpoint)
      const restored = await b.restore(backup)
      assert.deepEqual(sorted(restored.tables), tables)
      for (const { host, port } of asked) assert.deepEqual({ host, port }, hidden)
    })

    test('a dump cut anywhere is refused by the proof', async (t) => {
      const { url } = await facts.make(t)
      const b = await bench(t, url)
      await b.backUp()
      const whole = join(b.out, b.artifact())
      const { size } = await stat(whole)
      for (const length of [0, 1, 100, size >> 2, size >> 1, size - 4096, size - 100, size - 2, size - 1]) {
        const cut = join(b.out, `cut-${length}`)
        await copyFile(whole, cut)
        await truncate(cut, length)
        await assert.rejects(
          b.prove(cut),
          { code: 'proof-failed' },
          `${length} of ${size} bytes were taken for a whole dump`,
        )
      }
    })

    test('bytes behind the end of a dump are refused by the proof, or change nothing', async (t) => {
      const { url } = await facts.make(t)
      const b = await bench(t, url)
      const { tables } = await b.backUp()
      const longer = join(b.out, 'longer')
      await copyFile(join(b.out, b.artifact()), longer)
      await appendFile(longer, 'an error that a tool told on its standard output\n')
      if (facts.endsItself) return assert.deepEqual(sorted((await b.prove(longer)).tables), tables)
      await assert.rejects(b.prove(longer), { code: 'proof-failed' })
    })

    test(
      'a dump taken under constant writing ends, and is of one moment or says that it is not',
      { timeout: 120_000 },
      async (t) => {
        const { url, stop } = await facts.makeBusy(t)
        const b = await bench(t, url)
        const backup = await b.backUp()
        await stop()
        if (facts.notOneMoment) {
          const { warnings } = await b.source.inspect(b.series, never)
          return assert.ok(warnings.some((text) => facts.notOneMoment!.test(text)))
        }
        const rows = Object.fromEntries(
          backup.tables!.map(({ name, rows }) => [name.split('.').at(-1)!, rows]),
        )
        assert.ok(rows.ledger_a! > 0)
        assert.equal(rows.ledger_a, rows.ledger_b)
      },
    )

    test('a missing database is told as that, before a byte', async (t) => {
      const url = await facts.missingUrl(t)
      if (url === null) return t.skip('its server has no databases by name')
      await refused(await bench(t, url), 'database-missing')
    })

    test('a server that does not answer is told as that, before a byte', async (t) => {
      if (facts.unreachableUrl)
        return refused(await bench(t, await facts.unreachableUrl(t)), 'database-unreachable')
      const { url } = await facts.makeEmpty(t)
      if ((driver.parseUrl(url) as UrlFacts).hosts.length === 0) return t.skip('it has no server')
      const end = await deadEnd()
      await refused(await bench(t, url, { reach: () => end }), 'database-unreachable')
    })

    test('a wrong password is told as that, and not shown', async (t) => {
      const { url } = await facts.makeEmpty(t)
      const wrong = (await facts.wrongPasswordUrl?.(t)) ?? url.replace(/:[^:@/]+@/, ':wr0ng-w0rd@')
      if (wrong === url) return t.skip('its URL has no password')
      await refused(await bench(t, wrong), 'database-refused')
    })

    test('doctor finds nothing to say about a sound database', async (t) => {
      const { url } = await facts.make(t)
      const lines = await (await bench(t, url)).source.check(never)
      assert.ok(lines.length >= 2, 'doctor tells at least whether it can be read and where it is restored')
      for (const line of lines) assert.ok(line.ok, `${line.name}: ${line.text}`)
    })

    test('planning changes nothing, and notices when the target has changed', async (t) => {
      const { url } = await facts.make(t)
      const b = await bench(t, url)
      const backup = await b.backUp()
      const plan = await b.source.plan(backup, beside, never)
      assert.deepEqual(await b.source.plan(backup, beside, never), plan)
      assert.equal(await facts.exists(url, plan.name), false)
      await b.restore(backup)
      const after = await b.source.plan(backup, beside, never)
      assert.equal(after.exists, true)
      assert.equal(after.empty, false)
      assert.notEqual(after.fingerprint, plan.fingerprint)
      assert.notDeepEqual(after.blockers, [])
    })

    test('a target that holds something is refused and stays as it was', async (t) => {
      const { url } = await facts.make(t)
      const b = await bench(t, url)
      const backup = await b.backUp()
      await b.restore(backup)
      const { name } = await b.source.plan(backup, beside, never)
      const before = await facts.content(url, name)
      await assert.rejects(b.restore(backup), { code: 'target-exists' })
      assert.equal(await facts.content(url, name), before)
    })

    test('a restore that fails half-way leaves no target and no original changed', async (t) => {
      const { url } = await facts.make(t)
      const b = await bench(t, url)
      const backup = await b.backUp()
      const before = await facts.content(url, null)
      const path = join(b.out, b.artifact())
      await truncate(path, Math.floor((await stat(path)).size * 0.6))
      await assert.rejects(b.restore(backup), { code: 'restore-failed' })
      const { name } = await b.source.plan(backup, beside, never)
      assert.equal(await facts.exists(url, name), false)
      assert.equal(await facts.content(url, null), before)
    })

    test('a damaged byte near the front never passes as a sound dump unnoticed or crashes us', async (t) => {
      const { url } = await facts.make(t)
      const b = await bench(t, url)
      await b.backUp()
      const path = join(b.out, b.artifact())
      const bytes = await readFile(path)
      bytes.fill(0xff, 0, 64)
      await writeFile(join(b.out, 'damaged'), bytes)
      await assert.rejects(b.prove(join(b.out, 'damaged')), { code: 'proof-failed' })
    })

    test('an abort ends the dump with its reason and leaves no process', async (t) => {
      const { url } = await facts.make(t)
      const controller = new AbortController()
      const b = await bench(t, url, { signal: controller.signal })
      const inspection = await b.source.inspect(b.series, never)
      const reason = new Error('somebody cancelled')
      const dumping = b.source.dump(b.series, inspection, b.sink(), controller.signal)
      controller.abort(reason)
      await assert.rejects(dumping, (error) => error === reason)
      assert.deepEqual(strays(new Set([b.runId])), [])
    })

    test('an aborted restore leaves no target', async (t) => {
      const { url } = await facts.make(t)
      const first = await bench(t, url)
      const backup = await first.backUp()
      const controller = new AbortController()
      const b = await bench(t, url, { signal: controller.signal })
      const { name } = await b.source.plan(backup, beside, never)
      const reason = new Error('somebody cancelled')
      let opened = 0
      const restoring = b.source.restore(
        backup,
        beside,
        await b.source.plan(backup, beside, never),
        async () => {
          const input = pipes.input(join(first.out, first.artifact()), b.processes, b.running)
          const abortAfter = <T>(work: Promise<T>): Promise<T> => (controller.abort(reason), work)
          if (++opened === 1 && backup.format === 'custom') return input // it looks at the definitions first
          return {
            intoProgram: (command, onOutput) => abortAfter(input.intoProgram(command, onOutput)),
            intoFile: (path) => abortAfter(input.intoFile(path)),
            intoReader: (take) => abortAfter(input.intoReader(take)),
          }
        },
        controller.signal,
      )
      await assert.rejects(restoring, (error) => error === reason)
      assert.equal(await facts.exists(url, name), false)
      assert.deepEqual(strays(new Set([b.runId])), [])
    })

    test('nothing but private files is left in the folder of the run', async (t) => {
      const { url } = await facts.make(t)
      const b = await bench(t, url)
      const backup = await b.backUp()
      await b.restore(backup)
      await b.source.close()
      for (const name of await readdir(b.folder))
        assert.equal((await stat(join(b.folder, name))).mode & 0o777, 0o600, name)
    })

    test('ending what a dead run left is harmless when it left nothing', async (t) => {
      const { url } = await facts.make(t)
      const b = await bench(t, url)
      assert.equal(await b.source.terminate('run-of-nobody', never), 0)
    })
  })
}

export interface Bench {
  source: Source
  series: Awaited<ReturnType<Source['series']>>[number]
  processes: Processes
  running: Running
  runId: string
  /** The run's private folder. */
  folder: string
  /** Where artifacts land. */
  out: string
  said: string[]
  /** What it showed: commands, faults, and `said` too. */
  witness: Witness
  sink(): Sink
  artifact(): string
  /** The artifact that was dumped last. */
  input(): RawInput
  backUp(): Promise<Manifest>
  prove(path: string): Promise<Proof>
  restore(backup: Manifest, request?: TargetRequest): ReturnType<Source['restore']>
}

export interface BenchSetting {
  facts: Pick<SourceFacts, 'driver' | 'options'>
  pipes?: Pipes
  url: string
  signal?: AbortSignal
  settings?: Partial<SourceSettings>
  /** PATH and the like for programs; default: this process's own. */
  environment?: NodeJS.ProcessEnv
  /** Default: every server is where its URL says. */
  reach?: (host: Host) => Host
}

/** A source with everything it needs, in folders of its own; also for tests of a single driver. */
export async function openBench(t: TestContext, setting: BenchSetting): Promise<Bench> {
  const { facts, pipes = plainFiles, url, signal = never } = setting
  const [folder, out] = [await temporary(t), await temporary(t)]
  const witness = witnessed()
  const processes = recordCommands(createProcesses(setting.environment ?? process.env, systemClock), witness)
  const runId = randomUUID()
  const { said } = witness
  const running: Running = { signal, runId, said: (tool, line) => void said.push(`${tool}: ${line}`) }
  const outside = { processes, clock: systemClock, log: silentLog, folder, runId, said: running.said }
  const context = { ...outside, reach: setting.reach ?? ((host: Host) => host) }
  const urls = { url, dumpUrl: null, restoreUrl: null }
  const settings = { strategy: 'shop', ...urls, options: facts.options ?? {}, databases: null }
  const source = recordFaults(facts.driver.open({ ...settings, ...setting.settings }, context), witness)
  t.after(() => source.close())
  const [series] = await source.series(never)
  let name = ''
  const sink = (): Sink => {
    const inner = pipes.sink(out, processes, running)
    return { file: (given) => inner.file((name = given)) }
  }
  const input = (path: string): RawInput => pipes.input(path, processes, running)
  const b: Bench = {
    source,
    series: series!,
    processes,
    running,
    runId,
    folder,
    out,
    said,
    witness,
    sink,
    artifact: () => name,
    input: () => input(join(out, name)),
    async backUp() {
      const inspection = await source.inspect(series!, signal)
      await source.dump(series!, inspection, sink(), signal)
      const { tables } = await b.prove(join(out, name))
      return manifestOf(inspection, { artifact: name, tables: sorted(tables) })
    },
    prove: (path) => source.prove(name, input(path), signal),
    async restore(backup, request = beside) {
      const plan = await source.plan(backup, request, signal)
      return source.restore(backup, request, plan, async ({ name: of }) => input(join(out, of)), signal)
    },
  }
  return b
}

/** The parts of a manifest that a source looks at. */
function manifestOf(
  inspection: Awaited<ReturnType<Source['inspect']>>,
  { artifact, tables }: { artifact: string; tables: TableRows[] },
): Manifest {
  const { engine, method, format, database, endpoint } = inspection
  const stored = { name: artifact, key: artifact, rawBytes: null, storedBytes: 0, sha256: '', filters: [] }
  const facts = { id: 'shop-20261120T060000Z-k3f9', engine, method, format, database, endpoint, tables }
  return { ...facts, artifacts: [stored] } as unknown as Manifest
}

export function sorted(tables: TableRows[]): TableRows[] {
  return tables.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

export async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'eb-source-'))
  removeLast(t, folder)
  return folder
}
