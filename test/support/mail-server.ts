import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { makeCertificate } from './certificate.ts'

export interface Mail {
  from: string
  to: string[]
  /** As it came: headers and body. */
  raw: string
}

export interface MailServer {
  port: number
  mails: Mail[]
  /** Sign-ins that were tried, `user:password`. */
  signIns: string[]
  /** Connections so far. */
  visits: number
  /** Whether mails came over an encrypted connection. */
  encrypted: boolean[]
  /** Answers a recipient, instead of taking it. */
  refuse: { status: number; text: string } | null
  /** Takes only these recipients. */
  refuseUnless: ReadonlySet<string> | null
  /** Takes the mail, and is gone before it says so. */
  cut: boolean
  close(): Promise<void>
}

let certificate: ReturnType<typeof makeCertificate> | null = null

/** A mail server of its own on a free port, which keeps what it is given. */
export async function startMailServer(
  t: TestContext,
  options: SMTPServerOptions & { user?: string; password?: string } = {},
): Promise<MailServer> {
  const { user, password, ...more } = options
  const server = new SMTPServer({
    ...(await (certificate ??= makeCertificate('localhost'))),
    authOptional: user === undefined,
    disableReverseLookup: true,
    closeTimeout: 100,
    ...more,
    onConnect: (_session, done) => {
      mail.visits += 1
      done()
    },
    onAuth: ({ username = '', password: given = '' }, _session, done) => {
      mail.signIns.push(`${username}:${given}`)
      if (username === user && given === password) done(null, { user: username })
      else done(Object.assign(new Error('these are not the ones'), { responseCode: 535 }))
    },
    onRcptTo: ({ address }, _session, done) => {
      const isUnknown = mail.refuseUnless !== null && !mail.refuseUnless.has(address)
      const refusal = isUnknown ? { status: 550, text: 'nobody of this name' } : mail.refuse
      done(refusal && Object.assign(new Error(refusal.text), { responseCode: refusal.status }))
    },
    onData: (stream, session, done) => {
      void text(stream).then((raw) => {
        const { mailFrom, rcptTo } = session.envelope
        mail.mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw,
        })
        mail.encrypted.push(session.secure)
        if (!mail.cut) return done()
        for (const connection of server.connections) connection._socket.destroy()
      })
    },
  })
  server.on('error', () => undefined) // a client that hangs up
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()))
  t.after(close)
  const mail: MailServer = {
    port: (server.server.address() as AddressInfo).port,
    mails: [],
    signIns: [],
    visits: 0,
    encrypted: [],
    refuse: null,
    refuseUnless: null,
    cut: false,
    close,
  }
  return mail
}

/** One header, unfolded. */
export function headerOf({ raw }: Mail, name: string): string | null {
  const [head = ''] = raw.split('\r\n\r\n')
  const found = new RegExp(`^${name}: (.*)$`, 'im').exec(head.replaceAll(/\r\n[\t ]+/g, ' '))
  return found?.[1] ?? null
}

/** The body of one kind, decoded. */
export function partOf({ raw }: Mail, type: 'text/plain' | 'text/html'): string {
  const part = raw.split(/\r\n--[^\r\n]+/).find((one) => one.includes(`Content-Type: ${type}`)) ?? ''
  const at = part.indexOf('\r\n\r\n')
  const body = part.slice(at + 4)
  if (!/quoted-printable/i.test(part.slice(0, at))) return body
  const bytes = body
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
