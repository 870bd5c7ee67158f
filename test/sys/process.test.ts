import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { open, readFile, stat, writeFile, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { suite, test, type TestContext } from 'node:test'
import {
  createProcesses,
  ToolFailure,
  type Command,
  type Joined,
  type Running,
} from '../../src/sys/process.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { endStrays, identityOf, isAlive, strays } from '../../src/sys/strays.ts'
import { fakeClock } from '../support/clock.ts'
import { makeFolder } from '../support/local.ts'
import { dumpLike, randomFrom } from '../support/random.ts'

const processes = createProcesses(process.env, systemClock)
const sh = (script: string, env?: Record<string, string>): Command => ({
  argv: ['sh', '-c', script],
  ...(env && { env }),
})
let runs = 0

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(65_536)
}

function running(more: Partial<Running> = {}): Running {
  return {
    signal: new AbortController().signal,
    runId: `test-${process.pid}-${runs++}`,
    said: () => {},
    ...more,
  }
}

/** Runs commands joined, and returns what the last one wrote. */
async function through(
  stages: Command[],
  more: { input?: Joined['input']; as?: Running } = {},
): Promise<Buffer> {
  const chunks: Buffer[] = []
  const output = { receive: (chunk: Buffer): void => void chunks.push(chunk) }
  await processes.join({ stages, input: more.input ?? null, output }, more.as ?? running())
  return Buffer.concat(chunks)
}

suite('success means every child exited 0 (promise 1)', () => {
  test('whoever scans sees every byte once and in order, through one buffer', async () => {
    const bytes = dumpLike(3_000_000, randomFrom(2))
    const hash = createHash('sha256')
    const buffers = new Set<ArrayBufferLike>()
    const scan = (chunk: Buffer): void => {
      hash.update(chunk)
      buffers.add(chunk.buffer)
    }
    async function* chunks(): AsyncGenerator<Buffer> {
      const room = Buffer.alloc(100_000)
      for (let at = 0; at < bytes.length; at += room.length) {
        const length = bytes.copy(room, 0, at)
        yield room.subarray(0, length)
      }
    }
    const stages = [{ argv: ['gzip', '-1', '-c'] }, { argv: ['gzip', '-dc'] }]
    await processes.join({ stages, input: { stream: chunks }, output: { scan } }, running())
    assert.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'))
    assert.equal(buffers.size, 1)
  })

  test('a program that cannot start, or stops reading, ends a scan and a feed without waiting for more bytes', async () => {
    const forever = async function* (closed: AbortSignal): AsyncGenerator<Buffer> {
      yield Buffer.from('x')
      await systemClock.sleep(60_000, closed)
    }
    const joining = (argv: string[]): Promise<void> =>
      processes.join(
        { stages: [{ argv }], input: { stream: forever }, output: { scan: () => {} } },
        running(),
      )
    await assert.rejects(joining(['no-such-program']), { code: 'tool-missing' })
    await joining(['true'])
    await assert.rejects(joining(['false']), { code: 'tool-failed' })
  })

  test('bytes pass through all stages whole, from a stream or file to a file', async (t) => {
    const bytes = dumpLike(3_000_000, randomFrom(1))
    const stages = [{ argv: ['cat'] }, { argv: ['gzip', '-c'] }, { argv: ['gzip', '-dc'] }]
    assert.ok(bytes.equals(await through(stages, { input: { stream: Readable.from([bytes]) } })))

    const folder = await makeFolder(t)
    await writeFile(join(folder, 'in'), bytes)
    const [from, to] = await Promise.all([
      opened(t, join(folder, 'in'), 'r'),
      opened(t, join(folder, 'out'), 'w'),
    ])
    await processes.join({ stages, input: { fd: from.fd }, output: { fd: to.fd } }, running())
    assert.ok(bytes.equals(await readFile(join(folder, 'out'))))
  })

  for (const [where, stages, tool, code] of [
    ['first', [sh('head -c 300000 /dev/zero; exit 3'), { argv: ['cat'] }], 'sh', 3],
    ['last', [{ argv: ['cat', '/dev/zero'] }, sh('head -c 10; exit 4')], 'sh', 4],
    ['middle', [{ argv: ['cat', '/dev/zero'] }, sh('exit 5'), { argv: ['gzip'] }], 'sh', 5],
  ] as const)
    test(`the ${where} stage failing is the failure, not the pipes that break by it`, async () => {
      const failure = await through([...stages]).catch((error: unknown) => error)
      assert.ok(failure instanceof ToolFailure)
      assert.deepEqual([failure.tool, failure.exitCode], [tool, code])
    })

  test('a child ended by a signal failed', async () => {
    const failure = await through([sh('kill -SEGV $$')]).catch((error: unknown) => error)
    assert.ok(failure instanceof ToolFailure)
    assert.equal(failure.exitSignal, 'SIGSEGV')
    assert.match(failure.message, /sh was ended by SIGSEGV/)
  })

  test('a failure after full output is a failure', async () => {
    await assert.rejects(through([sh('echo all; exit 1'), { argv: ['cat'] }]), { code: 'tool-failed' })
  })

  test('an input that fails is the failure, even when the child is content with the part', async () => {
    const broken = Readable.from(
      (function* () {
        yield 'part'
        throw new Error('lost the input')
      })(),
    )
    await assert.rejects(through([{ argv: ['cat'] }], { input: { stream: broken } }), /lost the input/)
  })

  test('a child that needs no more input and exits 0 succeeded', async () => {
    const endless = Readable.from((function* () { for (;;) yield Buffer.alloc(65_536, 'y') })()) // prettier-ignore
    assert.equal(
      (await through([{ argv: ['head', '-c', '7'] }], { input: { stream: endless } })).toString(),
      'yyyyyyy',
    )
  })

  test('all output is there when it resolves', async () => {
    for (let round = 0; round < 5; round++)
      assert.equal((await through([sh('head -c 1000000 /dev/zero')])).length, 1_000_000)
    assert.equal(await processes.output({ argv: ['echo', 'short'] }, running()), 'short\n')
  })
})

suite('a tool that cannot run', () => {
  test('a missing program is told before anything else, whichever stage it is', async () => {
    for (const stages of [
      [['nothing-here']],
      [['cat', '/dev/zero'], ['nothing-here']],
      [['nothing-here'], ['cat']],
    ])
      await assert.rejects(through(stages.map((argv) => ({ argv }))), {
        code: 'tool-missing',
        hint: /nothing-here/,
      })
    assert.equal(processes.find('nothing-here'), null)
    assert.match(processes.find('sh')!, /\/sh$/)
  })

  test('too few file descriptors fail the run, not the service', async () => {
    const script = `
      import { createProcesses } from '${join(import.meta.dirname, '../../src/sys/process.ts')}'
      import { systemClock } from '${join(import.meta.dirname, '../../src/sys/clock.ts')}'
      import { openSync } from 'node:fs'
      const processes = createProcesses(process.env, systemClock)
      try { for (;;) openSync('/dev/null') } catch {}
      const running = { signal: new AbortController().signal, runId: 'few', said: () => {} }
      const joined = { stages: [{ argv: ['cat', '/dev/zero'] }, { argv: ['cat'] }], input: null, output: null }
      await processes.join(joined, running).then(() => console.log('fine'), (error) => console.log(error.code))`
    const args = ['--nofile=64', process.execPath, '--input-type=module-typescript', '-e', script]
    const said = execFileSync('prlimit', args, { encoding: 'utf8', stdio: 'pipe', timeout: 20_000 })
    assert.equal(said.trim(), 'tool-failed')
  })
})

suite('cancelling (promise 7)', () => {
  test('it ends every stage and rejects with the signal’s reason', async () => {
    const cancel = new AbortController()
    const as = running({ signal: cancel.signal })
    const joined = through([{ argv: ['cat', '/dev/zero'] }, { argv: ['cat'] }, sh('cat > /dev/null')], { as })
    await untilRunning(as.runId, 3)
    cancel.abort(new Error('somebody cancelled'))
    await assert.rejects(joined, /somebody cancelled/)
    assert.deepEqual(strays(new Set([as.runId])), [])
  })

  test('a tool that ignores TERM is killed after its grace', async () => {
    const clock = fakeClock()
    const cancel = new AbortController()
    const as = running({ signal: cancel.signal })
    const stubborn = [sh('trap "" TERM; echo ready >&2; while :; do sleep 0.05; done')]
    const ready = new Promise<void>((resolve) => (as.said = () => resolve()))
    const joined = createProcesses(process.env, clock).join(
      { stages: stubborn, input: null, output: null },
      as,
    )
    const settled = joined.catch((error: unknown) => error)
    await ready
    cancel.abort(new Error('somebody cancelled'))
    await clock.advance(4_900)
    assert.notDeepEqual(strays(new Set([as.runId])), [])
    await clock.advance(200)
    assert.match(String(await settled), /somebody cancelled/)
    assert.deepEqual(strays(new Set([as.runId])), [])
  })

  test('what a tool started itself goes with it, also when the tool went first', async () => {
    const clock = fakeClock()
    const cancel = new AbortController()
    const as = running({ signal: cancel.signal })
    const family = [sh(`sh -c 'trap "" TERM; echo ready >&2; while :; do sleep 0.05; done' & wait`)]
    const ready = new Promise<void>((resolve) => (as.said = () => resolve()))
    const joined = createProcesses(process.env, clock).join({ stages: family, input: null, output: null }, as)
    const settled = joined.catch((error: unknown) => error)
    await ready
    cancel.abort(new Error('somebody cancelled'))
    while (strays(new Set([as.runId])).some((pid) => argumentsOf(pid).endsWith('& wait\0')))
      await systemClock.sleep(10)
    await clock.advance(6_000)
    assert.match(String(await settled), /somebody cancelled/)
    assert.deepEqual(strays(new Set([as.runId])), [])
  })

  for (const [what, script] of [
    [
      'what a tool put into a session of its own',
      'setsid sh -c \'trap "" TERM; echo ready >&2; while :; do sleep 0.05; done\' & wait',
    ],
    [
      'what a tool left behind so',
      'setsid sh -c \'trap "" TERM; echo ready >&2; while :; do sleep 0.05; done\' & exit 0',
    ],
  ] as const)
    // prettier-ignore
    for (const output of ['nowhere', 'scanned', 'received'] as const)
      test(`${what} ends with it, and is not waited for (its output ${output})`, async () => {
        const clock = fakeClock()
        const cancel = new AbortController()
        const [as, other] = [running({ signal: cancel.signal }), running()]
        const elsewhere = through([sh('while :; do sleep 0.05; done')], { as: other }).catch(String)
        const ready = new Promise<void>((resolve) => (as.said = () => resolve()))
        const into = { nowhere: null, scanned: { scan: () => {} }, received: { receive: () => {} } }[output]
        const joined = createProcesses(process.env, clock).join(
          { stages: [sh(script)], input: null, output: into },
          as,
        )
        const settled = joined.catch((error: unknown) => error)
        await ready
        cancel.abort(new Error('somebody cancelled'))
        await clock.advance(6_000)
        assert.match(String(await settled), /somebody cancelled/)
        while (strays(new Set([as.runId])).length > 0) await systemClock.sleep(10)
        assert.notDeepEqual(strays(new Set([other.runId])), [])
        await endStrays(new Set([other.runId]), systemClock)
        await elsewhere
      })

  test('nobody is waited for who holds its output open and cannot be found', async (t) => {
    const clock = fakeClock()
    const cancel = new AbortController()
    const as = running({ signal: cancel.signal })
    const ready = new Promise<number>((resolve) => (as.said = (_tool, line) => resolve(Number(line))))
    const script = `exec 2>&2; env -i setsid sh -c 'echo $$ >&2; while :; do sleep 0.05; done' & wait`
    const joined = createProcesses(process.env, clock).join(
      { stages: [sh(script)], input: { stream: Readable.from(endless()) }, output: { scan: () => {} } },
      as,
    )
    const settled = joined.catch((error: unknown) => error)
    const pid = await ready
    t.after(() => process.kill(pid, 'SIGKILL'))
    cancel.abort(new Error('somebody cancelled'))
    await clock.advance(6_000)
    assert.match(String(await settled), /somebody cancelled/)
  })

  test('a producer does not go on when its consumer is dead', async () => {
    const as = running()
    const stages = [sh('trap "" PIPE; while :; do echo x 2>/dev/null || exit 9; done'), sh('exit 7')]
    const failure = await through(stages, { as }).catch((error: unknown) => error)
    assert.ok(failure instanceof ToolFailure)
    assert.deepEqual(strays(new Set([as.runId])), [])
  })

  test('a run that was cancelled before it began starts nothing', async (t) => {
    const path = join(await makeFolder(t), 'started')
    const as = running({ signal: AbortSignal.abort(new Error('too late')) })
    await assert.rejects(through([sh(`touch ${path}`)], { as }), /too late/)
    await assert.rejects(stat(path), { code: 'ENOENT' })
  })
})

suite('what goes in and what is said', () => {
  test('there is no shell: arguments arrive as they are', async () => {
    const odd = ['$(id)', '`id`', 'a b', '"', "'", ';', '*', '', 'ä\nb']
    assert.equal(
      (await through([{ argv: ['printf', '%s|', ...odd] }])).toString(),
      odd.map((x) => `${x}|`).join(''),
    )
  })

  test('a secret reaches its child through a descriptor of its own, and nobody else (promise 14)', async () => {
    const secrets = ['first-canary', 'second-canary\n']
    const script =
      'cat <&3; cat <&4; tr "\\0" " " < /proc/$$/cmdline; tr "\\0" " " < /proc/$$/environ; cat <&3 2>&1; ls /proc/$$/fd | wc -l'
    const told = await processes.output({ argv: ['sh', '-c', script], secrets }, running())
    assert.ok(told.startsWith('first-canarysecond-canary\n'), told)
    assert.equal(told.split('canary').length, 3, told)
    const deaf = { argv: ['sh', '-c', 'exit 0'], secrets: ['x'.repeat(10_000_000)] }
    await processes.output(deaf, running()) // it ended without listening
    const other = await processes.output({ argv: ['sh', '-c', 'ls /proc/$$/fd'] }, running())
    assert.ok(!other.split('\n').includes('3'), other)
  })

  test('a child sees only harmless variables and its own (promise 14)', async () => {
    const own = {
      ...process.env,
      SLACK_BOT_TOKEN: 'xoxb-canary',
      DB_PASSWORD: 'canary',
      PGHOST: 'elsewhere',
      LANG: 'fr_FR',
    }
    const said = await createProcesses(own, systemClock).output(
      { argv: ['env'], env: { PGPASSFILE: '/x' } },
      running(),
    )
    const names = said
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0]!)
    for (const name of ['PATH', 'PGPASSFILE', 'EASY_BACKUP_RUN', 'LC_ALL'])
      assert.ok(names.includes(name), name)
    for (const name of ['SLACK_BOT_TOKEN', 'DB_PASSWORD', 'PGHOST', 'LANG'])
      assert.ok(!names.includes(name), name)
  })

  test('what tools say is passed on line by line with their names, and the last words are kept', async () => {
    const lines: string[] = []
    const as = running({ said: (tool, line) => lines.push(`${tool}: ${line}`) })
    const failure = await through([sh('for i in $(seq 50); do echo "line $i" >&2; done; exit 1')], { as }).catch((error: unknown) => error) // prettier-ignore
    assert.equal(lines.length, 50)
    assert.equal(lines[0], 'sh: line 1')
    assert.ok(failure instanceof ToolFailure)
    assert.deepEqual([failure.lastWords.length, failure.lastWords.at(-1)], [20, 'line 50'])
    assert.equal(failure.message, 'sh ended with exit code 1: line 50')
  })

  test('a tool that says 50 MB does not fill the memory', async () => {
    let said = 0
    const before = process.memoryUsage().rss
    const as = running({ said: (_tool, line) => (said += line.length) })
    await through([sh('yes "NOTICE: some long and boring line of words" | head -c 50000000 >&2')], { as })
    assert.ok(said > 45_000_000)
    assert.ok(process.memoryUsage().rss - before < 150_000_000)
  })
})

suite('strays of a dead service (promise 7)', () => {
  test('processes of a run are found by its id and ended, others are left alone', async () => {
    const [mine, other] = [running(), running()]
    const stubborn = [sh('trap "" TERM; while :; do sleep 0.05; done')]
    const both = [mine, other].map((as) => through(stubborn, { as }).catch((error: unknown) => error))
    await untilRunning(mine.runId, 1)
    await untilRunning(other.runId, 1)
    assert.ok((await endStrays(new Set([mine.runId]), systemClock)) >= 1)
    assert.deepEqual(strays(new Set([mine.runId])), [])
    assert.notDeepEqual(strays(new Set([other.runId])), [])
    await endStrays(new Set([other.runId]), systemClock)
    for (const failure of await Promise.all(both)) assert.ok(failure instanceof ToolFailure)
    assert.equal(await endStrays(new Set([mine.runId]), systemClock), 0)
  })

  test('a process is known by more than its pid', () => {
    const self = identityOf(process.pid)
    assert.ok(isAlive(self))
    assert.equal(
      isAlive({ ...self, startTicks: self.startTicks! - 1 }),
      false,
      'the pid was given to another',
    )
    assert.equal(isAlive({ ...self, bootId: 'before the restart' }), false)
    const gone = Number(execFileSync('sh', ['-c', 'echo $$'], { encoding: 'utf8' }))
    assert.equal(isAlive({ ...identityOf(gone), startTicks: 1 }), false)
  })
})

async function opened(t: TestContext, path: string, flags: string): Promise<FileHandle> {
  const handle = await open(path, flags)
  t.after(() => handle.close())
  return handle
}

/** The arguments of a process; empty when it has ended. */
function argumentsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

async function untilRunning(runId: string, count: number): Promise<void> {
  for (let round = 0; strays(new Set([runId])).length < count; round++) {
    assert.ok(round < 6_000, `never ${count} processes of ${runId}`)
    await systemClock.sleep(10)
  }
}
