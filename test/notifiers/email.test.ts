import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { NotificationConfig } from '../../src/core/notifications.ts'
import { email } from '../../src/notifiers/email/index.ts'
import type { Delivery, Notifier, NotifierContext } from '../../src/notifiers/notifier.ts'
import { notifierContract } from '../contracts/notifier.ts'
import { failedRun, succeeded } from '../slack/samples.ts'
import { makeCertificate } from '../support/certificate.ts'
import { headerOf, partOf, startMailServer, type MailServer } from '../support/mail-server.ts'
import { canary, goodBackup, head, incident, makeHouse, message, settings } from './house.ts'

const quiet = new AbortController().signal
const certificate = await makeCertificate('localhost')
const secure = { ...certificate, user: 'backups', password: canary }
const signIn = { username: 'backups', password: canary }

const plain = (server: MailServer): Record<string, unknown> => ({
  smtp_host: '127.0.0.1',
  smtp_port: server.port,
  tls: 'none',
  from: 'Backups <backups@example.com>',
  to: ['ops@example.com', 'ann@example.com'],
})

const encrypted = (server: MailServer): Record<string, unknown> => ({
  ...plain(server),
  smtp_host: 'localhost',
  tls: 'starttls',
  ...signIn,
})

function open(options: Record<string, unknown>, more: Partial<NotifierContext> = {}): Notifier {
  return email.open(settings({ kind: 'email', options }), makeHouse(more).context)
}

const send = (notifier: Notifier, receipt: unknown = null): Promise<Delivery> =>
  notifier.deliver(goodBackup(), receipt, null, quiet)

notifierContract('email', async (t) => {
  const house = makeHouse()
  const server = await startMailServer(t)
  return {
    house,
    open: (changes: Partial<NotificationConfig> = {}) =>
      email.open(
        settings({ kind: 'email', on: ['success'], options: plain(server), ...changes }),
        house.context,
      ),
    told: () => server.mails.length,
    refuse: () => void (server.refuse = { status: 550, text: `nobody of this name, ${canary}` }),
    take: () => void (server.refuse = null),
    leave: () => server.close(),
  }
})

suite('a mail', () => {
  test('arrives at a real server, as text and as HTML, with the fact first', async (t) => {
    const server = await startMailServer(t)
    assert.equal((await send(open(plain(server)))).outcome, 'sent')
    const [mail] = server.mails
    assert.ok(mail)
    assert.deepEqual([mail.from, mail.to], ['backups@example.com', ['ops@example.com', 'ann@example.com']])
    assert.equal(headerOf(mail, 'Subject'), 'production-db: backup succeeded (341 MB in 9 s)')
    assert.equal(headerOf(mail, 'From'), 'Backups <backups@example.com>')
    assert.equal(headerOf(mail, 'Auto-Submitted'), 'auto-generated')
    for (const type of ['text/plain', 'text/html'] as const) {
      const part = partOf(mail, type)
      for (const fact of ['production-db-20261120T060000Z-k3f9', '341 MB', 'V2', 's3'])
        assert.ok(part.includes(fact), `${fact} in ${type}: ${part}`)
    }
    assert.ok(mail.raw.length < 6_000, `${mail.raw.length} bytes`)
  })

  test('about the same trouble is in one conversation, each under an id of its own that never changes', async (t) => {
    const server = await startMailServer(t)
    const notifier = open(plain(server))
    const view = incident()
    const closed = incident({ state: 'recovered', closedAt: view.openedAt + 60_000 })
    const over = message(`incident/${view.id}/1`, {
      type: 'incident.note',
      note: 'recovered',
      incident: closed,
    })
    const { receipt } = await notifier.deliver(head(view), null, null, quiet)
    await notifier.deliver(over, null, receipt, quiet)
    await open(plain(server)).deliver(head(view), null, null, quiet)
    await send(notifier)
    const [first, end, again, other] = server.mails.map((mail) => ({
      id: headerOf(mail, 'Message-ID'),
      thread: headerOf(mail, 'References'),
      subject: headerOf(mail, 'Subject'),
    }))
    assert.equal(first!.subject, 'production-db: backup failed: password refused')
    assert.equal(end!.subject, 'production-db: backed up again after 1 min')
    assert.equal(first!.thread, end!.thread)
    assert.notEqual(first!.id, end!.id)
    assert.equal(again!.id, first!.id)
    assert.notEqual(other!.thread, first!.thread)
  })

  test('shows what databases and tools said as text, and adds no header and no secret', async (t) => {
    const server = await startMailServer(t)
    const text = `boom\r\nBcc: evil@example.com\r\n\r\n<img src=x onerror=alert(1)> & ${canary} ${'x'.repeat(5_000)}`
    const fault = { code: 'dump-failed', text, hint: null } as const
    const failed = failedRun({ kind: 'verify', fault })
    await open(plain(server)).deliver(
      message('run/a/alarm', { type: 'run.alarm', run: failed }),
      null,
      null,
      quiet,
    )
    const [mail] = server.mails
    assert.ok(mail)
    assert.equal(headerOf(mail, 'Bcc'), null)
    assert.deepEqual(mail.to, ['ops@example.com', 'ann@example.com'])
    const html = partOf(mail, 'text/html')
    assert.ok(html.includes('&lt;img src=x') && !html.includes('<img'), html)
    assert.ok(!partOf(mail, 'text/plain').includes(canary) && !html.includes('canary'))
    assert.ok(Array.from(headerOf(mail, 'Subject')!).length < 400)
  })
})

test('nobody hears of the end of what they were not told', async (t) => {
  const server = await startMailServer(t)
  const over = incident({ state: 'recovered', closedAt: Date.parse('2026-11-20T06:01:00Z') })
  const note = message('incident/x/1', { type: 'incident.note', note: 'recovered', incident: over })
  await open(plain(server)).deliver(note, null, null, quiet)
  assert.deepEqual(server.mails, [])
})

suite('the way to the mail server', () => {
  for (const [tls, extra] of [
    ['starttls', {}],
    ['tls', { secure: true }],
  ] as const)
    test(`${tls} with a certificate of a trusted authority, and a sign-in`, async (t) => {
      const server = await startMailServer(t, { ...secure, ...extra })
      const answer = await send(open({ ...encrypted(server), tls }, { ca: certificate.cert }))
      assert.equal(answer.outcome, 'sent', answer.detail ?? '')
      assert.deepEqual(server.encrypted, [true])
      assert.deepEqual(server.signIns, [`backups:${canary}`])
    })

  test('a certificate of nobody is refused before the password is said, unless verify is off', async (t) => {
    const server = await startMailServer(t, secure)
    const notifier = open(encrypted(server))
    const answer = await send(notifier)
    assert.match(answer.detail!, /certificate is not trusted/)
    assert.deepEqual([server.signIns, server.mails], [[], []])
    assert.equal((await send(open({ ...encrypted(server), verify: false }))).outcome, 'sent')
  })

  test('a server without STARTTLS is told neither password nor mail', async (t) => {
    const server = await startMailServer(t, {
      disabledCommands: ['STARTTLS'],
      allowInsecureAuth: true,
      user: 'backups',
      password: canary,
    })
    const answer = await send(open(encrypted(server)))
    assert.equal(answer.outcome, 'later')
    assert.match(answer.detail!, /STARTTLS/)
    assert.deepEqual([server.signIns, server.mails], [[], []])
  })

  test('a wrong password switches it off at once, and doctor says what is wrong', async (t) => {
    const server = await startMailServer(t, secure)
    const wrong = { ...encrypted(server), password: 'not this one' }
    const notifier = open(wrong, { ca: certificate.cert })
    await send(notifier)
    assert.match(notifier.off!()!, /refused the sign-in/)
    const [check] = (await open(wrong, { ca: certificate.cert }).inspect!(quiet)).checks
    assert.deepEqual([check!.state, check!.hint], ['failed', 'correct username and password'])
    assert.deepEqual(server.mails, [])
    const [good] = (await open(encrypted(server), { ca: certificate.cert }).inspect!(quiet)).checks
    assert.match(good!.text, /encrypted, as backups; no mail was sent/)
  })

  test('greylisting is waited for, and the mail arrives once', async (t) => {
    const server = await startMailServer(t)
    server.refuse = { status: 451, text: 'greylisted, try again later' }
    const house = makeHouse()
    const notifier = email.open(settings({ kind: 'email', options: plain(server) }), house.context)
    const answer = await send(notifier)
    assert.deepEqual([answer.outcome, answer.waits], ['later', undefined])
    server.refuse = null
    await house.clock.advance(120_000)
    assert.equal((await send(notifier)).outcome, 'sent')
    assert.equal(server.mails.length, 1)
  })

  test('a connection cut after the mail was handed over leaves its outcome unknown', async (t) => {
    const server = await startMailServer(t)
    server.cut = true
    const answer = await send(open(plain(server)))
    assert.deepEqual([answer.outcome, answer.once], ['unknown', true])
    assert.equal(server.mails.length, 1)
  })

  test('a recipient that is not taken keeps the mail from nobody else', async (t) => {
    const server = await startMailServer(t)
    const taken = new Set(['ops@example.com'])
    const notifier = open(plain(server))
    server.refuseUnless = taken
    assert.equal((await send(notifier)).outcome, 'sent')
    assert.deepEqual(
      server.mails.map(({ to }) => to),
      [['ops@example.com']],
    )
  })
})

test('the test message says that nothing happened', async (t) => {
  const server = await startMailServer(t)
  const answer = await open(plain(server)).test!(quiet)
  assert.ok(answer.ok, answer.text)
  assert.equal(headerOf(server.mails[0]!, 'Subject'), 'easy-backup: test message, nothing happened')
})

test('a restore is told whether it went well or not', async (t) => {
  const server = await startMailServer(t)
  const notifier = open(plain(server))
  const restore = succeeded({ kind: 'restore', id: 'r1', backup: null })
  await notifier.deliver(
    message('run/r1/progress', { type: 'run.progress', run: restore }),
    null,
    null,
    quiet,
  )
  assert.equal(headerOf(server.mails[0]!, 'Subject'), 'production-db: restored into its target')
})
