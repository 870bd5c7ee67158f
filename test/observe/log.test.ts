import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createScrub } from '../../src/core/secret.ts'
import { createLog } from '../../src/observe/log.ts'
import type { Log, LogLevel } from '../../src/core/log.ts'

const canary = 'p@ss w0rd/"x'

test('a line is one JSON object with level, time, text and facts', () => {
  const { log, lines } = capture({})
  log.with({ run: 'r1' }).info('backup stored', { bytes: 12, storage: 'nas', note: undefined })
  const [line] = lines
  assert.match(line!, /^\{.*\}\n$/)
  const { time, ...rest } = JSON.parse(line!) as Record<string, unknown>
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.deepEqual(rest, { level: 'info', msg: 'backup stored', run: 'r1', bytes: 12, storage: 'nas' })
})

for (const pretty of [false, true])
  test(`no secret leaves in text or facts, also of a derived log${pretty ? ', on a terminal' : ''}`, () => {
    const { log, lines } = capture({ pretty })
    const encoded = encodeURIComponent(canary)
    log
      .with({ url: `postgres://u:${encoded}@db` })
      .error(`refused ${canary}`, { said: `password "${canary}"` })
    assert.equal(lines.length, 1)
    assert.equal(lines[0]!.match(/\*\*\*/g)?.length, 3)
    for (const form of [canary, encoded, JSON.stringify(canary).slice(1, -1)])
      assert.ok(!lines[0]!.includes(form), lines[0]!)
  })

test('a level below the configured one is silent', () => {
  const { log, lines } = capture({ level: 'warn' })
  log.debug('a')
  log.info('b')
  log.warn('c')
  log.error('d')
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
    ['c', 'd'],
  )
})

test('a fact named like a field of the line hides nothing', () => {
  const { log, lines } = capture({})
  log.warn('verified', { level: 'V2', time: 7 })
  const line = JSON.parse(lines[0]!) as Record<string, unknown>
  assert.equal(line.level, 'warn')
  assert.equal(line.level_, 'V2')
  assert.equal(line.time_, 7)
})

test('a terminal gets one readable line that cannot steer it', () => {
  const { log, lines } = capture({ pretty: true })
  log.warn('tool said', { strategy: 'shop', line: 'evil\u001b[2J\u009b1m\nnext' })
  assert.match(lines[0]!, /^\d\d:\d\d:\d\d warn  tool said  strategy=shop  line="evil/)
  assert.doesNotMatch(lines[0]!.slice(0, -1), /\p{Cc}/u)
})

function capture(settings: { level?: LogLevel; pretty?: boolean }): { log: Log; lines: string[] } {
  const lines: string[] = []
  const destination = { write: (line: string) => lines.push(line) }
  const scrub = createScrub([canary])
  return { log: createLog({ level: 'debug', pretty: false, ...settings, scrub, destination }), lines }
}
