import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { markerKey } from '../src/core/keys.ts'
import type { Message } from '../src/core/messages.ts'
import { outcomes, type Manifest } from '../src/core/model.ts'
import { listCopies } from '../src/state/catalogue.ts'
import { listRuns, type Run } from '../src/state/runs.ts'
import { strays } from '../src/sys/strays.ts'
import { everythingIn } from './support/local.ts'
import type { World } from './support/world.ts'

export interface Looks {
  /** Runs may still be queued or running; what is said about ended ones holds all the same. */
  open?: boolean
  /** Folders of the storage or temp that a scenario made unreadable on purpose. */
  skipStorage?: boolean
}

/** What must hold after any scenario, whatever was done to it (promises 2, 3, 6, 7 and 14). */
export async function assertWorld(world: World, looks: Looks = {}): Promise<void> {
  const runs = await listRuns(world.context.database.read, { limit: 10_000 })
  assertEnds(runs, looks.open ?? false)
  await assertLeases(world, runs)
  await assertTold(world, runs)
  if (!looks.skipStorage) await assertStorage(world)
  await assertTidy(world, runs)
  await assertSecret(world)
}

const isEnded = (run: Run): boolean => (outcomes as readonly string[]).includes(run.state)

/** Promise 3: one terminal end each, with its time, and its reason when it was not good. */
function assertEnds(runs: Run[], mayBeOpen: boolean): void {
  for (const run of runs) {
    if (!isEnded(run)) {
      assert.ok(mayBeOpen, `run ${run.id} has no end: ${run.state}`)
      continue
    }
    assert.ok(run.endedAt !== null, `run ${run.id} ended without a time`)
    assert.equal(run.stage, null, `run ${run.id} ended and is still at ${run.stage}`)
    assert.equal(
      run.state === 'succeeded',
      run.fault === null,
      `run ${run.id}: ${run.state}, ${run.fault?.text}`,
    )
  }
}

async function assertLeases({ context }: World, runs: Run[]): Promise<void> {
  const leases = await context.database.read.selectFrom('leases').selectAll().execute()
  const holders = new Set(runs.filter((run) => run.state === 'running').map((run) => run.id))
  assert.deepEqual(
    leases.filter((lease) => !holders.has(lease.run)),
    [],
    'leases of runs that do not run',
  )
}

/** Promise 3: what is owed says what happened; what people see is what is owed, once it was delivered. */
async function assertTold(world: World, runs: Run[]): Promise<void> {
  const rows = await world.context.database.read.selectFrom('messages').selectAll().execute()
  const owed = new Map(rows.map((row) => [row.key, JSON.parse(row.body) as Message['body']]))
  for (const run of runs.filter(isEnded)) {
    const card = owed.get(`run/${run.id}/card`)
    if (run.kind !== 'restore') assertTells(card, run)
    const progress = owed.get(`run/${run.id}/progress`)
    if (run.kind !== 'verify' && run.startedAt !== null) assertTells(progress, run)
    const alarm = owed.get(`run/${run.id}/alarm`)
    assert.equal(alarm !== undefined, run.state === 'failed', `run ${run.id} ended ${run.state}: alarm?`)
    if (alarm) assertTells(alarm, run)
    if (run.params.request) {
      const request = owed.get(`request/${run.params.request}`)
      assert.ok(request?.type === 'request.card')
      assert.ok(!['waiting', 'executing'].includes(request.request.state), 'the request ended with its run')
    }
  }
}

function assertTells(body: Message['body'] | undefined, run: Run): void {
  assert.ok(body && 'run' in body, `nothing tells the end of run ${run.id} (${run.kind}, ${run.state})`)
  assert.equal(body.run.state, run.state, `a message tells another end of run ${run.id}`)
  assert.equal(body.run.endedAt, run.endedAt)
  assert.deepEqual(body.run.fault, run.fault)
}

/** Promises 2, 6 and 7: each backup of the catalogue is whole in its storage, and nothing else is there. */
async function assertStorage({ context, storageDir }: World): Promise<void> {
  const expected = new Set<string>()
  for (const copy of await listCopies(context.database.read, { storage: 'disk' })) {
    const [first] = copy.manifest.artifacts
    const folder = first!.key.slice(0, first!.key.lastIndexOf('/') + 1)
    const stored = JSON.parse(readFileSync(join(storageDir, `${folder}manifest.json`), 'utf8')) as Manifest
    assert.deepEqual(
      stored,
      copy.manifest,
      `the catalogue says something else than the manifest of ${copy.id}`,
    )
    expected.add(`${folder}manifest.json`)
    for (const artifact of copy.manifest.artifacts) {
      expected.add(artifact.key)
      const bytes = readFileSync(join(storageDir, artifact.key))
      const isWhole =
        bytes.length === artifact.storedBytes &&
        createHash('sha256').update(bytes).digest('hex') === artifact.sha256
      assert.ok(isWhole || copy.corrupt !== null, `${artifact.key} is not what its manifest says`)
    }
  }
  const there = await everythingIn(storageDir)
  const unexpected = there.filter(
    (key) => !expected.has(key) && key !== markerKey && !isSidecar(key, expected),
  )
  assert.deepEqual(unexpected, [], 'the storage holds what the catalogue does not know')
}

function isSidecar(key: string, expected: Set<string>): boolean {
  const folder = key.slice(0, key.lastIndexOf('/') + 1)
  return /\/verdict-[^/]+\.json$/.test(key) && expected.has(`${folder}manifest.json`)
}

/** Promise 7: no spool, credential file, child process or server session of a run that has ended. */
async function assertTidy(world: World, runs: Run[]): Promise<void> {
  const ended = new Set(runs.filter(isEnded).map((run) => run.id))
  const open = new Set(runs.filter((run) => !ended.has(run.id)).map((run) => run.id))
  assert.deepEqual(
    readdirSync(world.tempDir).filter((name) => !open.has(name)),
    [],
    'folders of ended runs in temp_dir',
  )
  assert.deepEqual(strays(ended), [], 'children of ended runs')
  if (world.postgres && open.size === 0) assert.deepEqual(await sessionsSoon(world.postgres), [])
}

/** A server needs a moment to notice that a client went away. */
async function sessionsSoon(server: NonNullable<World['postgres']>): Promise<unknown[]> {
  for (let look = 1; ; look++) {
    const sql =
      "SELECT application_name, query FROM pg_stat_activity WHERE application_name LIKE 'easy-backup %'"
    const sessions = await server.query(sql)
    if (sessions.length === 0 || look === 40) return sessions
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Promise 14: the secrets of the configuration are in no file we wrote, no log and no message, in any form. */
async function assertSecret(world: World): Promise<void> {
  const secrets = [world.canary, ...(world.postgres ? [world.postgres.password] : [])]
  const forms = secrets.flatMap(formsOf)
  const texts = new Map<string, string>([
    ['the log', world.logged.join('')],
    ['the messages', JSON.stringify(world.notifier.posts)],
  ])
  for (const folder of [world.stateDir, world.storageDir, world.tempDir])
    for (const file of await everythingIn(folder)) texts.set(file, readQuietly(join(folder, file)))
  for (const [where, text] of texts)
    for (const form of forms) assert.ok(!text.includes(form), `a secret is in ${where}`)
}

function formsOf(secret: string): string[] {
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
  ]
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // an empty folder
  }
}
