import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { suite, test, type TestContext } from 'node:test'
import { runCli } from '../../src/cli/cli.ts'
import type { AppDoor } from '../../src/cli/app-contract.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { commandsFor, read } from '../../src/commands/ask.ts'
import type { Person } from '../../src/commands/command.ts'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigMistakes } from '../../src/config/mistakes.ts'
import { Fault } from '../../src/core/faults.ts'
import { checkKey, namePattern, parseBackupId, safeSegment } from '../../src/core/keys.ts'
import { silentLog } from '../../src/core/log.ts'
import type { Health } from '../../src/core/model.ts'
import { filters } from '../../src/filters/registry.ts'
import { startHttp } from '../../src/http/server.ts'
import { drawFault, drawReply } from '../../src/slack/blocks/reply.ts'
import { sources } from '../../src/sources/registry.ts'
import { storages } from '../../src/storages/registry.ts'
import { askIn } from '../support/gate.ts'
import { seedOf } from '../support/random.ts'
import { makeWorld } from '../support/world.ts'
import { bombs, dice, Times } from './hostile.ts'

/** HOSTILE=500000 for the long run; the share of each family is in its title. */
const all = Number(process.env.HOSTILE ?? 20_000)
const share = (part: number): number => Math.ceil(all * part)
const limitMs = 50
const drivers = { sources, storages, filters }
const readFile = (name: string): string => {
  throw Object.assign(new Error(`no ${name}`), { code: 'ENOENT' })
}

const commandWords = [
  ...commandsFor('cli').flatMap(({ name, aliases }) => [name, ...aliases]),
  ...commandsFor('cli').flatMap(({ usage }) => usage.match(/--[a-z-]+/g) ?? []),
  'shop',
  'latest',
  'all',
  'tag:x',
  'backup',
]
/** What only looks; the rest is judged before it does anything. */
const looking = new Set(['help', 'status', 'list', 'show', 'schedule', 'log'])

suite(`${all} hostile inputs end nothing, and each is answered in under ${limitMs} ms (promise 15)`, () => {
  test('what is typed into Slack (40 %)', async (t) => {
    const world = await makeWorld(t)
    await world.backup()
    const { ask } = askIn(world)
    const admin: Person = { actor: { via: 'slack', id: 'U0ALICE01' }, admin: true, outsider: null }
    const view = { style: 'rich', now: 0, page: 0, words: null, channelOf: () => 'C0BACKUPS' } as const
    await throwAll(
      t,
      share(0.4),
      (throws) => throws.text(commandWords, 8).join(' '),
      async (words) => {
        try {
          const { command } = read({ words }, commandsFor('slack'))
          if (!looking.has(command.name)) return
          const reply = await ask({ words }, admin)
          if (reply.type !== 'stream') tame(JSON.stringify(drawReply(reply, view)))
        } catch (error) {
          assert.ok(error instanceof Fault && error.code !== 'internal', String((error as Error).stack))
          assert.ok(error.message.length + (error.hint ?? '').length < 2_000, error.message)
          tame(JSON.stringify(drawFault(error)))
        }
      },
    )
  })

  test('arguments of the command line (15 %)', async (t) => {
    const door = (): Promise<AppDoor> =>
      Promise.reject(new Fault('not-found', 'the program behind it is not part of this test'))
    const { terminal: quiet } = nobody()
    assert.equal(
      await runCli({ argv: ['restore', '--table=\u0001'], terminal: quiet, door }),
      2,
      'once a defect',
    )
    const generate = (throws: ReturnType<typeof dice>): string[] => throws.text(commandWords, 8)
    await throwAll(t, share(0.15), generate, async (argv) => {
      const { terminal, stderr } = nobody()
      const exit = await runCli({ argv, terminal, door })
      assert.ok(exit !== 1, `a defect for ${JSON.stringify(argv)}: ${String(stderr.read())}`)
      assert.ok(!/\p{Cc}/u.test(String(stderr.read() ?? '').replaceAll('\n', '')))
    })
  })

  test('configuration files (15 %)', async (t) => {
    const example = readFileSync(new URL('../../config/example.yml', import.meta.url), 'utf8').split('\n')
    await throwAll(
      t,
      share(0.15),
      (throws) => hostileYaml(throws, example),
      (text) => {
        try {
          loadConfig(
            { path: '/etc/easy-backup/config.yml', text, environment: {}, dotenv: null, readFile },
            drivers,
          )
        } catch (error) {
          assert.ok(error instanceof ConfigMistakes, String((error as Error).stack))
        }
      },
    )
    assert.equal(({} as { admin?: boolean }).admin, undefined)
  })

  test('names, keys and ids (20 %)', async (t) => {
    const pattern = new RegExp(namePattern)
    await throwAll(
      t,
      share(0.2),
      (throws) =>
        throws.text(['shop', 'a/b', 'shop-20261120T060000Z-k3f9'], 3).join(throws.pick(['', '/', '-'])),
      (name) => {
        const segment = safeSegment(name)
        assert.match(segment, /^[A-Za-z0-9_.-]*$/)
        assert.ok(!['.', '..'].includes(segment) && !segment.includes('/'))
        parseBackupId(name)
        if (pattern.test(name)) assert.match(name, /^[\w-]{1,63}$/)
        try {
          checkKey(name)
          assert.ok(!name.split('/').some((part) => ['', '.', '..'].includes(part)), name)
        } catch (error) {
          assert.ok(error instanceof Fault && error.code === 'usage')
        }
      },
    )
  })

  test('bytes sent to the HTTP server (5 %)', async (t) => {
    const server = await startHttp({
      listen: { bind: '127.0.0.1', port: 0, path: '/health' },
      health: () => Promise.resolve({ status: 'healthy' } as Health),
      live: () => ({ ok: true, text: 'alive' }),
      ready: () => ({ ok: true, text: 'ready' }),
      log: silentLog,
    })
    t.after(() => server.close())
    const answers = new Map<string, number>()
    await throwAll(t, share(0.05), hostileRequest, async (bytes) => {
      const answer = await send(server.port!, bytes)
      const status = answer.slice(9, 12) || 'closed'
      answers.set(status, (answers.get(status) ?? 0) + 1)
      assert.match(
        answer,
        /^HTTP\/1\.1 (100|200|400|404|405|408|413|414|415|431|505) |^$/,
        answer.slice(0, 80),
      )
      assert.ok(!answer.includes('evil'), `what was sent does not come back: ${answer.slice(0, 500)}`)
    })
    t.diagnostic(JSON.stringify(Object.fromEntries(answers)))
    assert.ok((answers.get('closed') ?? 0) < share(0.05) / 10, 'nearly all are answered')
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/livez`)).status, 200)
  })
})

/** @param judge  throws when an input was answered badly */
async function throwAll<Input>(
  t: TestContext,
  count: number,
  generate: (throws: ReturnType<typeof dice>) => Input,
  judge: (input: Input) => unknown,
): Promise<void> {
  const throws = dice(seedOf(t))
  const times = new Times()
  for (let time = 0; time < count; time++) {
    const input = generate(throws)
    await times.measure(JSON.stringify(input) ?? '', limitMs, () => judge(input))
    if (time % 100 === 0) await new Promise((next) => setImmediate(next))
  }
  t.diagnostic(times.report())
  assert.ok(times.slowest.ms < limitMs, times.report())
}

/** No mention and no link that is not ours. */
function tame(drawn: string): void {
  assert.doesNotMatch(drawn, /<!(channel|here|everyone)|<!subteam|<https?:/)
}

function nobody(): { terminal: Terminal; stderr: PassThrough } {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  stdout.resume()
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
  return { terminal, stderr }
}

const yamlBombs = [
  `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
    .split('')
    .map((letter, at) => `${letter}: &${letter} [${Array(9).fill(`*${'abcdefgh'[at]!}`).join(',')}]`)
    .join('\n')}\n`,
  '['.repeat(3_000),
  '{a: '.repeat(2_000),
  '- '.repeat(3_000),
  'global:\nglobal:\n',
  '__proto__: { admin: true }\n',
  'constructor: { prototype: { admin: true } }\n',
  '<<: *a\n',
  '? ? ? ? x\n',
  '!!js/function "x"\n',
  '%YAML 9.9\n---\n',
]

function hostileYaml(throws: ReturnType<typeof dice>, example: readonly string[]): string {
  if (throws.number(20) === 0) return throws.pick(yamlBombs) + throws.text(bombs, 2).join('\n')
  const lines = example.slice(0, 60)
  for (let change = throws.number(4); change >= 0; change--) {
    const at = throws.number(lines.length)
    const line = lines[at]!
    const cut = throws.number(line.length + 1)
    lines[at] = line.slice(0, cut) + throws.text(bombs, 1).join('') + line.slice(cut + throws.number(3))
    if (throws.number(8) === 0) lines.splice(at, 0, throws.pick(yamlBombs).slice(0, 200))
  }
  return lines.join('\n')
}

function hostileRequest(throws: ReturnType<typeof dice>): string {
  if (throws.number(2) === 0) return wellFormed(throws)
  const line = `${throws.pick(['GET', 'POST', 'PUT', 'HEAD', 'TRACE', 'evil', ''])} ${throws.pick(['/health', '/livez', '/slack/events', '/', '*', 'http://evil/'])}${throws.text(bombs, 2).join('')} HTTP/${throws.pick(['1.1', '1.0', '9.9', ''])}`
  const body = throws.text(bombs, 3).join('')
  const headers = [
    'Host: x',
    'Connection: close',
    `Content-Length: ${throws.pick([String(Buffer.byteLength(body)), '0', '-1', 'x', '99999999999999999999'])}`,
    ...throws.text(bombs, 3).map((value) => `X-Evil: ${value}`),
    throws.pick([
      'Content-Type: application/json',
      'Content-Type: evil',
      'Transfer-Encoding: chunked',
      'Expect: 100-continue',
    ]),
  ]
  return `${line}\r\n${headers.join('\r\n')}\r\n\r\n${body}`
}

/** Only what it says is hostile. */
function wellFormed(throws: ReturnType<typeof dice>): string {
  const body = throws.text(bombs, 3).join('')
  const path = throws.pick([
    '/health',
    '/livez',
    '/slack/events',
    `/${encodeURIComponent(body.toWellFormed())}`.slice(0, 4_000),
  ])
  const method = throws.pick(['GET', 'POST', 'DELETE'])
  return `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}

/** What comes back, until the server closes or nothing came for a moment: half a request is waited for. */
function send(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes))
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')))
    socket.on('error', () => resolve(answer))
    socket.on('close', () => resolve(answer))
  })
}
