import { Readable } from 'node:stream'
import MailComposer from 'nodemailer/lib/mail-composer'
import SMTPConnection, { type SMTPConnectionSendInfo } from 'nodemailer/lib/smtp-connection'
import type { Letter } from './letter.ts'
import type { MailSettings } from './options.ts'

/** How far a session came: what a break means depends on it. */
export type Phase = 'connect' | 'login' | 'envelope' | 'body' | 'done'

/** Why a session ended early. */
export interface SmtpTrouble {
  phase: Phase
  /** What the server answered, e.g. 535; null = nothing. */
  status: number | null
  /** Node's or nodemailer's: `EAUTH`, `ECONNREFUSED`. */
  code: string
  text: string
}

interface SessionParts {
  ca: string | undefined
  signal: AbortSignal
  timeoutMs: number
}

/** Hands one letter to the mail server; null for the letter: only connects and signs in.
 * @returns what the server said, with the recipients it did not take. @throws nothing: a trouble is an answer */
export async function talk(
  settings: MailSettings,
  letter: Letter | null,
  parts: SessionParts,
): Promise<{ said: string; rejected: string[] } | SmtpTrouble> {
  let phase: Phase = 'connect'
  const connection = connect(settings, parts)
  const broken = breakOf(connection, parts.signal)
  const step = <T>(start: (done: (error?: Error | null, result?: T) => void) => void): Promise<T> =>
    Promise.race([
      new Promise<T>((resolve, reject) =>
        start((error, result) => (error ? reject(error) : resolve(result as T))),
      ),
      broken,
    ])
  try {
    await step<void>((done) => connection.connect(done))
    phase = 'login'
    const { user } = settings
    if (user) await step<boolean>((done) => connection.login({ user: user.name, pass: user.password }, done))
    phase = 'envelope'
    if (letter === null) {
      connection.quit()
      return { said: 'signed in', rejected: [] }
    }
    const bytes = await compose(letter)
    const envelope = { from: settings.from.address, to: settings.to.map(({ address }) => address) }
    // read only after the server said 354: from then on it may keep the mail, whatever we hear of it
    const body = new Readable({
      read() {
        phase = 'body'
        this.push(bytes)
        this.push(null)
      },
    })
    const { response, rejected } = await step<SMTPConnectionSendInfo>((done) =>
      connection.send(envelope, body, done),
    )
    phase = 'done'
    connection.quit()
    return { said: response, rejected }
  } catch (error) {
    return troubleOf(error, phase)
  } finally {
    if (phase !== 'done' && letter !== null) connection.close()
  }
}

function connect({ host, port, tls, verify }: MailSettings, { ca, timeoutMs }: SessionParts): SMTPConnection {
  return new SMTPConnection({
    host,
    port,
    secure: tls === 'tls',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { rejectUnauthorized: verify, ...(ca !== undefined && { ca }) },
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
    logger: false,
  })
}

/** Rejects when the connection breaks, ends early, or the signal fires. */
function breakOf(connection: SMTPConnection, signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => undefined) // it may break after its time
  connection.on('error', reject)
  connection.on('end', () =>
    reject(Object.assign(new Error('the server closed the connection'), { code: 'ECONNECTION' })),
  )
  const abort = (): void => {
    reject(Object.assign(new Error('it took too long'), { code: 'ETIMEDOUT' }))
    connection.close()
  }
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return promise
}

function compose({ headers, ...letter }: Letter): Promise<Buffer> {
  return new MailComposer({
    ...letter,
    headers,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
    .compile()
    .build()
}

function troubleOf(error: unknown, phase: Phase): SmtpTrouble {
  const {
    code = '',
    responseCode = null,
    message,
  } = error as {
    code?: string
    responseCode?: number
    message: string
  }
  return { phase, status: responseCode, code, text: message.replaceAll(/\s+/g, ' ').slice(0, 300) }
}
