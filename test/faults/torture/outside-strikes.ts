import pg from 'pg'
import type { Misbehaviour } from '../../../playground/server.ts'
import { until } from '../../support/bot.ts'
import { dropBackup } from './disk-strikes.ts'
import { channel, type House } from './house.ts'
import { between, nothing, pause, pick, type Heal, type Strike } from './strike.ts'

export const databaseStrikes: readonly Strike[] = [
  {
    kind: 'the database server crashes and restarts',
    family: 'database',
    strike: async ({ postgres }) => {
      const [row] = await postgres.query(
        "SELECT min(pid) AS pid FROM pg_stat_activity WHERE backend_type = 'walwriter'",
      )
      process.kill(Number(row!['pid']), 'SIGKILL') // the postmaster ends every session and recovers
      return () => answers(postgres)
    },
  },
  {
    kind: 'server sessions are terminated',
    family: 'database',
    strike: async ({ postgres }, random) => {
      for (let time = between(random, 1, 6); time > 0; time--) {
        await postgres.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'easy-backup%'",
        )
        await pause(150)
      }
      return nothing
    },
  },
  {
    kind: 'a table is locked',
    family: 'database',
    strike: async ({ postgres }, random) => {
      const client = new pg.Client({ connectionString: postgres.url('shop') })
      client.on('error', () => undefined)
      await client.connect()
      await client.query('BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE')
      await pause(between(random, 200, 3_000))
      return () => client.end()
    },
  },
  {
    kind: 'the schema changes during the dump',
    family: 'database',
    strike: async ({ postgres }, random) => {
      for (let time = between(random, 2, 10); time > 0; time--) {
        await postgres
          .query(
            'SET lock_timeout = 500; ALTER TABLE people ADD COLUMN late integer; ALTER TABLE people DROP COLUMN late',
            'crm',
          )
          .catch(() => undefined) // a dump holds the table
        await pause(60)
      }
      return nothing
    },
  },
]

async function answers(postgres: House['postgres']): Promise<void> {
  await until(async () => (await postgres.query('SELECT 1')).length === 1, 'the server answers again')
}

const trouble: readonly Misbehaviour['kind'][] = [
  '429',
  'ratelimited',
  '500',
  '503',
  'error',
  'malformed',
  'timeout-before',
  'timeout-after',
  'drop-socket',
  'drop-after',
]

export const slackStrikes: readonly Strike[] = [
  {
    kind: 'Slack answers badly',
    family: 'Slack',
    strike: async ({ slack }, random) => {
      for (let number = between(random, 1, 4); number > 0; number--) {
        const kind = pick(random, trouble)
        const times = kind.startsWith('timeout') ? 1 : between(random, 1, 4)
        slack.misbehave({ method: pick(random, ['chat.postMessage', 'chat.update', '*']), kind, times })
      }
      await pause(between(random, 0, 2_000))
      return async () => slack.behave()
    },
  },
  {
    kind: 'Slack is away',
    family: 'Slack',
    strike: async ({ slack }, random) => {
      slack.misbehave({ method: '*', kind: pick(random, ['503', 'drop-socket'] as const), times: 1_000 })
      slack.dropSockets()
      await pause(between(random, 500, 4_000))
      return async () => slack.behave()
    },
  },
  {
    kind: 'the socket is cut or refreshed',
    family: 'Slack',
    strike: async ({ slack }, random) => {
      if (random() < 0.5) slack.dropSockets()
      else slack.refreshSockets(pick(random, ['warning', 'refresh_requested'] as const))
      return nothing
    },
  },
  {
    kind: 'envelopes come twice or late',
    family: 'Slack',
    strike: async ({ slack }, random) => {
      const kind = pick(random, ['duplicate-envelopes', 'late-delivery'] as const)
      slack.misbehave({ method: 'slash_commands', kind, delayMs: between(random, 100, 900) })
      await slack.command('alice', channel, `/backup run ${pick(random, ['shop', 'crm'])}`)
      return async () => slack.behave()
    },
  },
]

export const personStrikes: readonly Strike[] = [
  {
    kind: 'what runs is cancelled',
    family: 'person',
    strike: async (house, random) =>
      house.withApp(async (app): Promise<Heal> => {
        const open = (await app.engine.runs({ limit: 20 })).filter(({ endedAt }) => endedAt === null)
        for (const { id } of open.filter(() => random() < 0.7))
          for (let click = between(random, 1, 2); click > 0; click--)
            await app.engine.cancel(id, app.person.actor)
        return nothing
      }),
  },
]

const wrongClock = (kind: string, offset: string): Strike => ({
  kind,
  family: 'time',
  needs: 'faketime',
  onlySlack: true,
  strike: async (house, random) => {
    house.setClock(offset)
    await pause(between(random, 500, 4_000))
    return async () => {
      house.setClock(null)
      await removeFuture(house)
    }
  },
})

export const timeStrikes: readonly Strike[] = [
  wrongClock('the clock is an hour ahead', '+1h'),
  wrongClock('the clock is an hour behind', '-1h'),
]

/** Backups of a time that has not come would freeze retention until then; somebody takes them away, as the runbook says. */
async function removeFuture(house: House): Promise<void> {
  if (!house.bot.alive()) await house.bot.start()
  await house.withApp(async (app) => {
    const isIdle = async (): Promise<boolean> =>
      (await app.engine.runs({ limit: 50 })).every(({ endedAt }) => endedAt !== null)
    await until(isIdle, 'every run has ended', 120_000)
    const future = (await app.engine.backups({ limit: 500 })).filter(
      ({ createdAt }) => createdAt > Date.now() + 60_000,
    )
    for (const { id } of future) {
      const { manifest } = await app.engine.backup(id, null)
      for (const place of Object.values(house.places)) await dropBackup(place, manifest.artifacts[0]!.key)
    }
    if (future.length > 0) await app.engine.syncCatalogue()
  })
}
