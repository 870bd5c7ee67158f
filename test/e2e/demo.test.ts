import assert from 'node:assert/strict'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { root } from '../support/source-files.ts'

const run = promisify(execFile)
const patienceMs = 120_000

test(
  'the demo shows a thread for each strategy, and Ctrl-C leaves nothing behind',
  { timeout: 240_000 },
  async (t) => {
    const demo = await startDemo(t)
    const threads = await until(() => threadsOf(demo.url), (found) => found.filter(isDone).length === 5) // prettier-ignore
    assert.deepEqual(threads.map(({ strategy }) => strategy).toSorted(), [
      'analytics-db',
      'crm',
      'newsletter',
      'payroll',
      'production-db',
    ])
    const { stdout } = await run(demo.shell[0]!, demo.shell.slice(1), { cwd: root })
    assert.match(stdout, /production-db-\d{8}T\d{6}Z-[a-z0-9]{4}/, 'the command that is shown works')
    demo.process.kill('SIGINT')
    assert.equal(await demo.ended, 0)
    assert.deepEqual(await readdir(demo.folder), [])
    assert.deepEqual(await processesOf(demo.folder), [])
  },
)

test('the demo takes everything with it when it is killed', { timeout: 240_000 }, async (t) => {
  const demo = await startDemo(t)
  assert.notDeepEqual(await processesOf(demo.folder), [], 'there is something to take')
  demo.process.kill('SIGKILL')
  await demo.ended
  await until(() => readdir(demo.folder), (left) => left.length === 0) // prettier-ignore
  await until(() => processesOf(demo.folder), (left) => left.length === 0) // prettier-ignore
})

interface Demo {
  process: ChildProcess
  /** Its exit code; null after a signal. */
  ended: Promise<number | null>
  url: string
  /** The command it offers, as words. */
  shell: string[]
  /** Holds all its temporary folders. */
  folder: string
}

async function startDemo(t: TestContext): Promise<Demo> {
  const folder = await mkdtemp(join(tmpdir(), 'eb-demo-test-'))
  await chmod(folder, 0o1777) // as /tmp: the server runs as another account when we are root
  t.after(() => rm(folder, { recursive: true, force: true }))
  const child = spawn(process.execPath, ['playground/demo.ts'], {
    cwd: root,
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGINT'))
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const text = await spoken(child, /Ctrl-C stops everything/)
  return {
    process: child,
    ended,
    url: /http:\/\/127\.0\.0\.1:\d+/.exec(text)![0],
    shell: /^ *Shell +(.+)$/m.exec(text)![1]!.split(' '),
    folder,
  }
}

/** @returns everything said until then @throws Error when it ends before */
function spoken(child: ChildProcess, sign: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (sign.test(text)) resolve(text)
    })
    child.once('exit', (code) => reject(new Error(`the demo ended with ${code}: ${text}`)))
  })
}

interface Thread {
  strategy: string
  text: string
  replies: string[]
}

const isDone = ({ text, replies }: Thread): boolean =>
  text.startsWith('✅') && replies.some((reply) => reply.includes('stored'))

/** What Alice sees in #backups, from the page's own stream. */
async function threadsOf(url: string): Promise<Thread[]> {
  const stop = new AbortController()
  const response = await fetch(`${url}/page/events?as=alice`, { signal: stop.signal })
  let text = ''
  for await (const chunk of response.body!) {
    text += Buffer.from(chunk).toString()
    if (text.includes('\n\n')) break
  }
  stop.abort()
  const { messages } = JSON.parse(text.split('\n\n')[0]!.replace(/^data: /, '')) as { messages: Posted[] }
  return messages
    .filter((one) => one.threadTs === undefined && one.channel === 'C0BACKUPS')
    .map((one) => ({
      strategy: /^\S+ (\S+)/.exec(one.text)?.[1] ?? '',
      text: one.text,
      replies: messages.filter((other) => other.threadTs === one.ts).map((other) => other.text),
    }))
}

interface Posted {
  channel: string
  ts: string
  threadTs?: string
  text: string
}

/** Processes whose arguments name the folder. */
async function processesOf(folder: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const all = await Promise.all(
    ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')), // it may have ended
  )
  return all.filter((argv) => argv.includes(folder)).map((argv) => argv.split('\0').slice(0, 3).join(' '))
}

async function until<T>(look: () => Promise<T>, good: (seen: T) => boolean): Promise<T> {
  for (const end = performance.now() + patienceMs; ; await pause(200)) {
    const seen = await look()
    if (good(seen)) return seen
    if (performance.now() > end) assert.fail(`not within ${patienceMs} ms: ${JSON.stringify(seen)}`)
  }
}
