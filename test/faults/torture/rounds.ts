import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { outcomes } from '../../../src/core/model.ts'
import { openDatabase, type Database } from '../../../src/state/database.ts'
import { listRuns, type Run } from '../../../src/state/runs.ts'
import { systemClock } from '../../../src/sys/clock.ts'
import { until } from '../../support/bot.ts'
import { look, type Scene } from '../../support/scene.ts'
import { channel, peakMemory, strategyNames, type House } from './house.ts'
import { count, countLooks, type Ledger } from './ledger.ts'
import type { Round } from './plan.ts'
import { pause, pick } from './strike.ts'
import { ask, type Afterwards } from './work.ts'

const endsWithinMs = 120_000 // promise 3 says 60 s after the start; this machine may be busy with other things, too
const toldWithinMs = 180_000 // the pauses between tries after minutes of trouble are part of it
const recentRuns = 200

/** One round: work, faults in the middle of it, healing, and everything that must hold afterwards. */
export async function playRound(house: House, round: Round, ledger: Ledger): Promise<void> {
  const { bot } = house
  const before = newestSeq(house)
  if (!bot.alive()) await start(house, ledger)
  const afterwards = await askAll(house, round)
  const heals = []
  for (const { strike, afterMs } of round.strikes) {
    await pause(afterMs)
    if (!bot.alive()) await start(house, ledger).catch(() => undefined) // the disk of the fault before may still be full
    heals.push(await strike.strike(house, round.random))
    count(ledger.faults, strike.kind)
  }
  ledger.peakMiB = Math.max(ledger.peakMiB, peakMemory(bot.pid()))
  for (const heal of heals.toReversed()) await heal()
  await recovered(house, ledger)
  for (const look of afterwards) await look()
  await answerQuestions(house)
  ledger.restoresCompared += afterwards.length
  await lookAtAll(house, ledger)
  await stillWorks(house, round)
  countRuns(house, ledger, before)
  ledger.rounds++
}

async function askAll(house: House, round: Round): Promise<Afterwards[]> {
  const asked = []
  for (const work of round.works) asked.push(await ask(house, work))
  return asked.filter((afterwards) => afterwards !== null)
}

async function start(house: House, ledger: Ledger): Promise<void> {
  ledger.starts++
  await house.bot.start()
}

/** Retention asks before it deletes much at once: somebody says yes. */
async function answerQuestions(house: House): Promise<void> {
  const waiting = inState(house, (state) =>
    state.prepare("SELECT id, version FROM requests WHERE kind = 'prune' AND state = 'waiting'").all(),
  ) as { id: string; version: number }[]
  if (waiting.length === 0) return
  await house.withApp(async ({ engine, person }) => {
    for (const { id, version } of waiting)
      await engine.confirm(id, version, person.actor).catch(() => undefined)
  })
}

/** Every run has its one end within its time, whatever happened (promise 3). */
async function recovered(house: House, ledger: Ledger): Promise<void> {
  const begun = performance.now()
  if (!house.bot.alive()) await start(house, ledger)
  await house.bot.ready()
  await until(() => openRuns(house) === 0, 'every run has ended', endsWithinMs)
  ledger.slowestRecoveryMs = Math.max(ledger.slowestRecoveryMs, Math.round(performance.now() - begun))
}

const patience = 4

/** A scheduled backup may begin, or retention delete, while we look: what is wrong must be wrong again a moment later. */
async function lookAtAll(house: House, ledger: Ledger): Promise<void> {
  const database = await openDatabase(house.bot.stateDir, systemClock)
  try {
    for (let looks = 1; ; looks++) {
      await until(() => openRuns(house) === 0, 'every run has ended', endsWithinMs)
      try {
        await look(await sceneOf(house, database))
        break
      } catch (error) {
        if (looks > patience) throw error
        if (looks === patience && !(await tidiedByStart(house, ledger, error))) throw error
        await pause(700)
      }
    }
    countLooks(ledger)
  } finally {
    await database.close()
  }
  await until(() => owed(house) === 0, 'every message was delivered', toldWithinMs)
  assertTold(house)
  count(ledger.looks, '3 people saw every end')
}

/** What could not be removed because the disk was away is removed at the next start (promise 7); what is there after it is a break. */
async function tidiedByStart(house: House, ledger: Ledger, error: unknown): Promise<boolean> {
  if (!(error as Error).message.startsWith('promise 6 ')) return false
  ledger.tidiedByStart++
  await house.bot.end('SIGTERM')
  await start(house, ledger)
  return true
}

async function sceneOf(house: House, database: Database): Promise<Scene> {
  const { bot, postgres, slack, s3, places } = house
  return {
    read: database.read,
    runs: await listRuns(database.read, { limit: recentRuns }),
    open: false,
    places: Object.values(places),
    tempDir: bot.tempDir,
    folders: [bot.stateDir, bot.storageDir],
    postgres,
    secrets: [postgres.password, slack.tokens.bot, slack.tokens.app, s3.credentials.secret_key],
    texts: () => ({
      'the log': readFileSync(bot.logPath, 'latin1'),
      'the messages': JSON.stringify(slack.messages(channel).slice(-100)),
    }),
  }
}

/** After every fault the next backup is a good one. */
async function stillWorks(house: House, round: Round): Promise<void> {
  const strategy = pick(round.random, strategyNames)
  await house.withApp(async ({ engine, person }) => {
    const { id } = await engine
      .startBackup(strategy, { trigger: 'person', actor: person.actor })
      .catch((error: { code?: string; hint?: string }) => {
        const open = /run (\S+?):/.exec(error.hint ?? '')?.[1]
        if (error.code !== 'busy' || !open) throw error
        return { id: open } // its own schedule was faster
      })
    await until(async () => (await engine.run(id)).endedAt !== null, `backup ${id} ended`, endsWithinMs)
    const run = await engine.run(id)
    assert.equal(run.state, 'succeeded', `the backup after the fault: ${run.fault?.text}`)
  })
}

function inState<T>(house: House, work: (state: DatabaseSync) => T): T {
  const state = new DatabaseSync(join(house.bot.stateDir, 'state.db'), { timeout: 2_000 })
  try {
    return work(state)
  } finally {
    state.close()
  }
}

function numberOf(house: House, sql: string): number {
  return inState(house, (state) => Number(Object.values(state.prepare(sql).get() ?? { n: 0 })[0] ?? 0))
}

const openRuns = (house: House): number =>
  numberOf(house, "SELECT count(*) FROM runs WHERE state IN ('queued', 'running')")

const newestSeq = (house: House): number => {
  try {
    return numberOf(house, 'SELECT max(seq) FROM runs')
  } catch {
    return 0 // before the very first start
  }
}

const owed = (house: House): number =>
  numberOf(
    house,
    `SELECT count(*) FROM messages m LEFT JOIN deliveries d USING (key)
     WHERE d.sent_version IS NULL OR d.sent_version < m.version`,
  )

const shown: Partial<Record<Run['state'], RegExp>> = {
  succeeded: /backed up/,
  interrupted: /interrupted/,
  failed: /failed/,
  cancelled: /cancelled/,
}

/** Each of the newest backups has a card that shows its end. */
function assertTold({ slack, ...house }: House): void {
  const cards = slack.messages(channel).slice(-60)
  const runs = inState(house as House, (state) =>
    state
      .prepare(
        "SELECT id, state FROM runs WHERE kind = 'backup' AND state NOT IN ('queued', 'running') ORDER BY seq DESC LIMIT 3",
      )
      .all(),
  ) as { id: string; state: Run['state'] }[]
  for (const { id, state } of runs) {
    assert.ok((outcomes as readonly string[]).includes(state))
    const mine = cards.filter((card) => JSON.stringify(card.blocks).includes(id) || card.text.includes(id))
    assert.ok(
      mine.some((card) => (shown[state] ?? /./).test(card.text)),
      `${id} ended ${state}; its cards: ${mine.map((card) => card.text).join(' | ') || 'none'}`,
    )
  }
}

function countRuns(house: House, ledger: Ledger, since: number): void {
  const rows = inState(house, (state) =>
    state.prepare('SELECT kind, state FROM runs WHERE seq > ? AND ended_at IS NOT NULL').all(since),
  ) as { kind: string; state: string }[]
  for (const { kind, state } of rows) count(ledger.runs, `${kind} ${state}`)
}
