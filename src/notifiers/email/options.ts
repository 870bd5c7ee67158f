import { Type, type Static } from 'typebox'
import type { OptionMistake } from '../../core/notifications.ts'

export const emailOptions = Type.Object(
  {
    smtp_host: Type.String({ minLength: 1, description: 'Mail server', examples: ['smtp.example.com'] }),
    smtp_port: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 65_535,
        description: 'Its port',
        default: 587,
        examples: [465],
      }),
    ),
    from: Type.String({
      minLength: 1,
      description: 'Sender',
      examples: ['Backups <backups@example.com>'],
    }),
    to: Type.Union(
      [
        Type.String({ minLength: 1, description: 'One, or several with commas' }),
        Type.Array(Type.String({ minLength: 1 }), { minItems: 1, description: 'A list' }),
      ],
      {
        description: 'Who gets it: addresses as a list, or with commas',
        expected: 'an address, or a list of them',
        examples: [['ops@example.com', 'ann@example.com']],
      },
    ),
    username: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'User; with `password` or not at all',
        examples: ['backups'],
      }),
    ),
    password: Type.Optional(
      Type.String({ minLength: 1, secret: true, description: 'Password', examples: ['${SMTP_PASSWORD}'] }),
    ),
    tls: Type.Optional(
      Type.Unsafe<'starttls' | 'tls' | 'none'>({
        type: 'string',
        enum: ['starttls', 'tls', 'none'],
        description:
          '`starttls`: nothing is said before the connection is encrypted; `tls`: from the first byte, the default on port 465; `none`: never',
        default: 'starttls',
        examples: ['tls'],
      }),
    ),
    verify: Type.Optional(
      Type.Boolean({
        description: 'The certificate of the mail server has to be valid',
        default: true,
        examples: [false],
      }),
    ),
  },
  { additionalProperties: false },
)

/** The options as the driver works with them. */
export interface MailSettings {
  host: string
  port: number
  from: Mailbox
  to: Mailbox[]
  user: { name: string; password: string } | null
  tls: 'starttls' | 'tls' | 'none'
  verify: boolean
}

export interface Mailbox {
  /** '' = none. */
  name: string
  address: string
}

export function settingsOf(options: Record<string, unknown>): MailSettings {
  const written = options as Static<typeof emailOptions>
  const { smtp_port: port = 587, username, password } = written
  return {
    host: written.smtp_host,
    port,
    from: mailboxOf(written.from)!,
    to: recipientsOf(written.to).map((one) => mailboxOf(one)!),
    user: username !== undefined && password !== undefined ? { name: username, password } : null,
    tls: written.tls ?? (port === 465 ? 'tls' : 'starttls'),
    verify: written.verify ?? true,
  }
}

/** What the schema cannot tell. */
export function judgeOptions(options: Record<string, unknown>): OptionMistake | null {
  const written = options as Static<typeof emailOptions>
  const { smtp_host: host, smtp_port: port = 587, username, password, tls } = written
  if (!/^[A-Za-z0-9._:[\]-]+$/.test(host))
    return {
      mistake: 'smtp_host is not a host',
      hint: 'write its name only, such as smtp.example.com',
      at: 'smtp_host',
    }
  const odd = [written.from, ...recipientsOf(written.to)].find((one) => mailboxOf(one) === null)
  if (odd !== undefined)
    return {
      mistake: `${JSON.stringify(odd.slice(0, 80))} is not an address`,
      hint: 'write one such as ops@example.com, or Ops <ops@example.com>',
      at: odd === written.from ? 'from' : 'to',
    }
  if (recipientsOf(written.to).length === 0)
    return { mistake: 'to names nobody', hint: 'write an address', at: 'to' }
  if ((username === undefined) !== (password === undefined))
    return {
      mistake: `${username === undefined ? 'username' : 'password'} is missing`,
      hint: 'write username and password, or none of them',
    }
  if (tls === 'none' && username !== undefined && !isOwn(host))
    return {
      mistake: 'the password would cross the network unencrypted',
      hint: 'write tls: starttls',
      at: 'tls',
    }
  if (port === 465 && tls === 'starttls')
    return {
      mistake: 'port 465 is encrypted from the first byte',
      hint: 'write tls: tls, or smtp_port: 587',
      at: 'tls',
    }
  return null
}

const isOwn = (host: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/.test(host)

function recipientsOf(written: string | string[]): string[] {
  const list = Array.isArray(written) ? written : written.split(',')
  return list.map((one) => one.trim()).filter((one) => one !== '')
}

const addressForm = /^[^\s@<>(),;:"\\[\]]{1,64}@[^\s@<>(),;:"\\[\]]{1,255}$/

/** `ops@example.com` or `Ops <ops@example.com>`; null = neither. */
function mailboxOf(written: string): Mailbox | null {
  const [, name = '', inner] = /^\s*"?([^"<>\p{C}]*?)"?\s*<([^<>]*)>\s*$/u.exec(written) ?? []
  const address = (inner ?? written).trim()
  return addressForm.test(address) ? { name: name.trim(), address } : null
}
