import { parseDuration } from '../core/duration.ts'
import { namePattern } from '../core/keys.ts'
import { parseSchedule, type Mistake } from '../core/schedule.ts'
import { nearest } from '../core/nearest.ts'
import { isZone } from '../core/schedule/zone.ts'
import { parseSize } from '../core/size.ts'
import { shown } from './shown.ts'

/** Judges a value that has a form of its own; null when it is right. */
type Judge = (value: unknown) => Mistake | null

const findChannelId = 'open the channel in Slack, click its name; the id is at the bottom of About'

export const readings = {
  duration: judgeDuration,
  limit: (value) => (value === 0 || value === '0' ? null : judgeDuration(value)),
  silence: judgeSilence,
  percent: judgePercent,
  size: judgeSize,
  schedule(value) {
    const read = parseSchedule(value)
    return 'mistake' in read ? read : null
  },
  timezone: judgeTimezone,
  channel(value) {
    if (typeof value === 'string' && /^[CGD][A-Z0-9]{8,}$/.test(value)) return null
    return {
      mistake: `${shown(value)} is not a channel id`,
      hint: `write its id such as C0123456789: ${findChannelId}`,
    }
  },
  mention(value) {
    if (typeof value === 'string' && /^[USW][A-Z0-9]{8,}$/.test(value)) return null
    return {
      mistake: `${shown(value)} is not the id of a user or user group`,
      hint: 'write an id such as U0123456789 (Slack: profile, ⋮, Copy member ID) or S0123456789',
    }
  },
  everyone: (value) =>
    value === 'everyone'
      ? null
      : {
          mistake: `${shown(value)} is not a list of ids`,
          hint: 'write everyone, or a list such as [S0123456789, U0123456789]',
        },
  member(value) {
    if (typeof value === 'string' && /^[UW][A-Z0-9]{8,}$/.test(value)) return null
    return {
      mistake: `${shown(value)} is not the id of a user`,
      hint: 'write an id such as U0123456789 (Slack: profile, ⋮, Copy member ID); groups hold no groups',
    }
  },
  name: judgeName,
  compression: (value) =>
    typeof value === 'string'
      ? null
      : { mistake: `${shown(value)} is not a compression`, hint: 'write gzip, zstd or none' },
  'all-databases': (value) =>
    value === 'all'
      ? null
      : {
          mistake: `${shown(value)} is not a choice of databases`,
          hint: 'write all, or { include: ["client_*"], exclude: ["*_scratch"] }',
        },
  encryption: (value) =>
    value === 'none'
      ? null
      : {
          mistake: `${shown(value)} alone says no key`,
          hint: 'write { type: age, recipients: [age1…] }, or none',
        },
  tls: (value) =>
    typeof value === 'boolean' || typeof value === 'string'
      ? null
      : { mistake: `${shown(value)} is not a TLS mode`, hint: 'write true, false or verify-full' },
  'http-path': (value) =>
    typeof value === 'string' && /^\/[A-Za-z0-9._~/-]*$/.test(value)
      ? null
      : { mistake: `${shown(value)} is not a path`, hint: 'write a path such as /health' },
  'http-url': (value) =>
    typeof value === 'string' && /^https?:\/\//.test(value) && URL.canParse(value)
      ? null
      : { mistake: `${shown(value)} is not a web address`, hint: 'write one that begins with https://' },
} as const satisfies Record<string, Judge>

export type Reading = keyof typeof readings

function judgeDuration(value: unknown): Mistake | null {
  const hint = 'write a number with s, m, h, d or w, such as 30m (minutes) or 1d'
  if (typeof value === 'number')
    return { mistake: `${value} has no unit`, hint: `write ${value}m for minutes, ${value}d for days` }
  const ms = typeof value === 'string' ? parseDuration(value) : null
  if (ms === null) return { mistake: `${shown(value)} is not a duration`, hint }
  return ms === 0 ? { mistake: 'it must be longer than 0', hint } : null
}

const minuteMs = 60_000

/** Shorter, and a restart would be an alarm: Slack lets nobody take back what is due within a minute. */
function judgeSilence(value: unknown): Mistake | null {
  if (value === 'off') return null
  const wrong = judgeDuration(value)
  if (wrong) return wrong
  const ms = parseDuration(String(value)) ?? 0
  if (ms >= 5 * minuteMs && ms <= 7 * 24 * 60 * minuteMs) return null
  return { mistake: `${shown(value)} is not between 5m and 7d`, hint: 'write 30m, or off' }
}

/** A share that something may change by: 1 % to 10,000 %. */
function judgePercent(value: unknown): Mistake | null {
  if (value === 'off') return null
  const hint = 'write a share such as 50%, or off'
  if (typeof value === 'number')
    return {
      mistake: `${value} has no %`,
      hint: `write ${value < 1 ? Math.round(value * 100) : value}%, or off`,
    }
  if (value === false) return { mistake: 'false is not a share', hint: 'write off' }
  const written = typeof value === 'string' ? /^(\d{1,5}(?:\.\d+)?) ?%$/.exec(value) : null
  if (!written) return { mistake: `${shown(value)} is not a share`, hint }
  const percent = Number(written[1])
  return percent >= 1 && percent <= 10_000
    ? null
    : { mistake: `${shown(value)} is not between 1% and 10000%`, hint }
}

function judgeSize(value: unknown): Mistake | null {
  if (value === 'off') return null
  const hint = 'write a whole number with B, KiB, MiB or GiB, such as 10GiB, or off'
  if (typeof value === 'number') return { mistake: `${value} has no unit`, hint: `write ${value}GiB, or off` }
  if (typeof value === 'string' && parseSize(value) !== null) return null
  return { mistake: `${shown(value)} is not a size`, hint }
}

function judgeName(value: unknown): Mistake | null {
  if (typeof value !== 'string') return { mistake: `${shown(value)} is not text`, hint: `write it in quotes` }
  if (value === 'all') return { mistake: '"all" stands for every strategy', hint: 'choose another name' }
  if (new RegExp(namePattern).test(value)) return null
  const slug = value
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '-')
    .replaceAll(/^[-_]+|-+$/g, '')
    .slice(0, 63)
  return {
    mistake: `${shown(value)} is not a name (small letters, digits, - and _, at most 63)`,
    hint: slug === '' ? 'write a name such as production-db' : `write ${slug}`,
  }
}

function judgeTimezone(value: unknown): Mistake | null {
  if (typeof value === 'string' && /^[A-Za-z]/.test(value) && isZone(value)) return null
  const zones = Intl.supportedValuesOf('timeZone')
  const typed = typeof value === 'string' ? value.trim().replaceAll(' ', '_') : ''
  const city = zones.find((zone) => zone.toLowerCase().endsWith(`/${typed.toLowerCase()}`))
  const near = typed === '' ? null : (city ?? nearest(typed, zones))
  return {
    mistake: `${shown(value)} is not a time zone`,
    hint: near ? `did you mean ${near}?` : 'write a name such as Europe/Paris or UTC',
  }
}
