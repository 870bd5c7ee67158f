import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Retention } from '../../src/core/config.ts'
import { judge, type Candidate, type Circumstances, type Judgement } from '../../src/core/retention.ts'
import { policyText } from '../../src/core/retention/rules.ts'
import { offsetAt } from '../../src/core/schedule/zone.ts'
import { randomFrom } from '../support/random.ts'
import { naiveRetention } from './naive-retention.ts'

/** `RETENTION_HISTORIES=5000 RETENTION_SEED=7 node --test test/core/retention-oracle.test.ts` */
const histories = Number(process.env.RETENTION_HISTORIES ?? 1_000)
const firstSeed = Number(process.env.RETENTION_SEED ?? 1)

const hour = 3_600_000
const day = 24 * hour
const decade = 3_652 * day

/** Half-hour, quarter-hour and two-hour zones and shifts, a day that never was, changes at midnight and a minute after it, a
 * summer time that pauses for Ramadan, and zones at both ends of the day. */
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Australia/Lord_Howe',
  'America/St_Johns',
  'America/Sao_Paulo',
  'Pacific/Apia',
  'Pacific/Kiritimati',
  'Pacific/Chatham',
  'Antarctica/Troll',
  'Africa/Casablanca',
  'Asia/Kathmandu',
  'Asia/Beirut',
  'America/Havana',
]

interface History {
  all: Candidate[]
  policy: Retention | null
  circumstances: Circumstances
}

test(`retention says what a naive reading of its promise says, on ${histories} random ten-year histories`, () => {
  const seen: Record<string, number> = {}
  for (let seed = firstSeed; seed < firstSeed + histories; seed++) {
    const { all, policy, circumstances } = randomHistory(seed)
    const expected = naiveRetention(all, policy, circumstances)
    const judged = judge(all, policy, circumstances)
    const told = judged.map(({ id, keep }) => [id, keep])
    const replay = `RETENTION_HISTORIES=1 RETENTION_SEED=${seed}`
    assert.deepEqual(
      told,
      all.map(({ id }) => [id, expected.get(id) !== null]),
      replay,
    )
    for (const judgement of judged) {
      seen[judgement.ground] = (seen[judgement.ground] ?? 0) + 1
      assert.ok(isSameReason(judgement, expected.get(judgement.id)!), `${replay}: ${judgement.reason}`)
    }
  }
  const never = [
    'pinned',
    'frozen',
    'newest',
    'min-keep',
    'calendar',
    'young',
    'old',
    'not-in-calendar',
  ].filter((ground) => !seen[ground])
  if (histories >= 200) assert.deepEqual(never, [], 'the histories reach every kind of decision')
})

/** Which bucket of how many is told as the oracle counts it. */
function isSameReason({ ground, reason, keep }: Judgement, expected: string | null): boolean {
  if (!keep) return expected === null && ['old', 'not-in-calendar'].includes(ground)
  if (ground === 'no-policy') return expected === 'nothing is configured'
  if (ground !== 'calendar') return expected === ground
  const rule = { hourly: 'hour', daily: 'day', weekly: 'week', monthly: 'month', yearly: 'year' } as const
  const told = [...reason.matchAll(/newest of (\w+) ([^(]+) \((\w+) (\d+) of (\d+)\)/g)].map(
    ([, unit, bucket, name, at, of]) => {
      assert.equal(rule[name as keyof typeof rule], unit)
      return `${unit} ${bucket} ${at}/${of}`
    },
  )
  const last = expected?.split(', ').filter((place) => !place.startsWith('last ')) ?? []
  return told.join(', ') === last.join(', ') && told.length + Number(reason.includes('last ')) > 0
}

function randomHistory(seed: number): History {
  const random = randomFrom(seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const upTo = (most: number): number => Math.floor(random() * (most + 1))
  const chance = (probability: number): boolean => random() < probability

  const timezone = pick(zones)
  const begin = Date.UTC(2004 + upTo(16), upTo(11), 1 + upTo(27))
  const end = begin + decade
  const interval = pick([hour, 6 * hour, day, 7 * day])
  const times = instants()
  const all = times.map((createdAt, index): Candidate => {
    const pin = { until: null, note: null, by: { via: 'cli', id: 'ann' }, at: 0 } as const
    return {
      id: `b${String((index * 7919) % 10_007).padStart(5, '0')}`,
      createdAt,
      good: !chance(0.08),
      foreign: chance(0.03),
      ...(chance(0.05) && { pin: chance(0.3) ? pin : { ...pin, until: end + (upTo(40) - 20) * day } }),
    }
  })
  const newest = Math.max(begin, ...times)
  const now = chance(0.03) ? newest - upTo(day) : newest + Math.floor(random() * 2.2 * interval)
  return {
    all: all.sort(() => random() - 0.5),
    policy: policy(),
    circumstances: {
      now,
      timezone,
      intervalMs: chance(0.15) ? null : interval,
      listed: !chance(0.02),
    },
  }

  /** Regular runs up to the end, single ones anywhere, and crowds where the clocks change and around midnight. */
  function instants(): number[] {
    const found: number[] = []
    const regular = upTo(120)
    for (let back = 0; back < regular; back++)
      if (!chance(0.05)) found.push(end - back * interval + upTo(60_000))
    for (let one = upTo(60); one > 0; one--) found.push(begin + Math.floor(random() * decade))
    for (let crowd = upTo(4); crowd > 0; crowd--) {
      const at = changeNear(timezone, begin + Math.floor(random() * decade))
      for (let one = upTo(8); one > 0; one--) found.push(at + (upTo(48) - 24) * (hour / 4) - upTo(1))
    }
    if (chance(0.3) && found.length > 0) found.push(found[0]!) // two at the same instant
    return found.filter((at) => at <= end)
  }

  function policy(): Retention | null {
    if (chance(0.02)) return null
    const count = (most: number): number => (chance(0.5) ? 0 : 1 + upTo(most - 1))
    const calendar = chance(0.8)
    const rules = {
      maxAgeMs: chance(calendar ? 0.4 : 0.9) ? (1 + upTo(400)) * day * pick([1, 1, 5]) : null,
      minKeep: 1 + upTo(4),
      keepLast: calendar ? count(10) : 0,
      keepHourly: calendar ? count(48) : 0,
      keepDaily: calendar ? count(30) : 0,
      keepWeekly: calendar ? count(20) : 0,
      keepMonthly: calendar ? count(36) : 0,
      keepYearly: calendar ? count(10) : 0,
    }
    return { ...rules, text: policyText(rules) }
  }
}

/** The next change of the zone's offset after an instant, or the instant itself. */
function changeNear(zone: string, from: number): number {
  const known = changes.get(zone) ?? changesOf(zone)
  changes.set(zone, known)
  return known.find((at) => at >= from) ?? from
}

const changes = new Map<string, number[]>()

function changesOf(zone: string): number[] {
  const found: number[] = []
  for (let at = Date.UTC(2004, 0, 1); at < Date.UTC(2032, 0, 1); at += day) {
    if (offsetAt(zone, at) === offsetAt(zone, at + day)) continue
    const minutes = Array.from({ length: 24 * 60 }, (_, minute) => at + minute * 60_000)
    found.push(minutes.find((minute) => offsetAt(zone, minute + 60_000) !== offsetAt(zone, at))! + 60_000)
  }
  return found
}
