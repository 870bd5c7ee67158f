import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { objectsOf } from '../../src/core/stored-objects.ts'
import { markerKey } from '../../src/core/keys.ts'
import type { Message } from '../../src/core/messages.ts'
import { outcomes, type Manifest } from '../../src/core/model.ts'
import { isOver } from '../../src/core/request-states.ts'
import { listCopies } from '../../src/state/catalogue.ts'
import type { Read } from '../../src/state/database.ts'
import type { Run } from '../../src/state/runs.ts'
import { strays } from '../../src/sys/strays.ts'
import { everythingIn } from './local.ts'

/** What can be seen of an installation from outside. */
export interface Scene {
  read: Read
  /** Newest first. */
  runs: readonly Run[]
  /** Some runs may have no end yet. */
  open: boolean
  places: readonly Place[]
  tempDir: string
  /** Looked through for secrets. */
  folders: readonly string[]
  postgres: { query(sql: string): Promise<unknown[]> } | null
  secrets: readonly string[]
  /** What people and log collectors see, by name. */
  texts(): Record<string, string>
}

export interface Place {
  name: string
  /** Everything that lies there, unfinished things too. */
  keys(): Promise<string[]>
  read(key: string): Promise<Buffer>
}

/** One thing that must always hold, by the number of its promise. */
export interface Check {
  promise: number
  says: string
  look(scene: Scene): Promise<void> | void
}

export const checks: readonly Check[] = [
  { promise: 2, says: 'each listed backup is whole in its place', look: placesAreWhole },
  { promise: 2, says: 'what a place owes is good elsewhere, and said', look: debtsAreTrue },
  { promise: 3, says: 'every run has one end', look: runsHaveEnds },
  { promise: 3, says: 'every end is told as it was', look: endsAreTold },
  { promise: 4, says: 'no lease without its run', look: leasesAreHeld },
  { promise: 6, says: 'nothing lies in a place that the catalogue does not know', look: placesAreKnown },
  { promise: 7, says: 'no folder, process, upload or server session of an ended run', look: nothingIsLeft },
  {
    promise: 12,
    says: 'of every restore in place it is known which database is in place',
    look: swapsAreSettled,
  },
  { promise: 8, says: 'no slot has two runs', look: slotsAreSingle },
  { promise: 14, says: 'no secret is in a file, log or message', look: secretsAreKept },
]

/** @throws AssertionError that names the first promise that is broken */
export async function look(scene: Scene): Promise<void> {
  for (const { promise, says, look: lookAt } of checks)
    try {
      await lookAt(scene)
    } catch (error) {
      if (error instanceof Error) error.message = `promise ${promise} (${says}): ${error.message}`
      throw error
    }
}

const isEnded = (run: Run): boolean => (outcomes as readonly string[]).includes(run.state)
const isGood = (run: Run): boolean => run.state === 'succeeded' || run.state === 'degraded'

function runsHaveEnds({ runs, open }: Scene): void {
  for (const run of runs) {
    if (!isEnded(run)) {
      assert.ok(open, `run ${run.id} has no end: ${run.state}`)
      continue
    }
    assert.ok(run.endedAt !== null, `run ${run.id} ended without a time`)
    assert.equal(run.stage, null, `run ${run.id} ended and is still at ${run.stage}`)
    if (run.state === 'degraded' && run.kind !== 'backup') continue // its fault says what it could not tell
    assert.equal(isGood(run), run.fault === null, `run ${run.id}: ${run.state}, ${run.fault?.text}`)
  }
}

/** A degraded backup is whole where it is said to be, and owed where it is not; a run that ended well is where it says. */
async function debtsAreTrue({ read, runs }: Scene): Promise<void> {
  const debts = await read.selectFrom('owed').selectAll().execute()
  const copies = await listCopies(read, {})
  const has = (id: string, storage: string): boolean =>
    copies.some((copy) => copy.id === id && copy.storage === storage)
  for (const { backup, storage } of debts)
    assert.ok(!has(backup, storage), `${storage} owes ${backup} and has it`)
  for (const { id, state, result } of runs.filter(isGood)) {
    if (!result?.backup) continue
    const { backup } = result
    assert.ok(backup.storages.length > 0, `run ${id} is good and nowhere`)
    const owed = debts.filter((debt) => debt.backup === backup.id).map(({ storage }) => storage)
    assert.deepEqual(
      backup.owed.map(({ storage }) => storage).toSorted(),
      owed.toSorted(),
      `what run ${id} owes`,
    )
    const isDegraded = backup.owed.length > 0 || (backup.settled ?? []).length > 0
    assert.equal(state === 'degraded', isDegraded, `run ${id} is ${state}`)
  }
}

async function leasesAreHeld({ read, runs }: Scene): Promise<void> {
  const leases = await read.selectFrom('leases').selectAll().execute()
  const holders = new Set(runs.filter((run) => run.state === 'running').map((run) => run.id))
  assert.deepEqual(
    leases.filter((lease) => !holders.has(lease.run)),
    [],
    'leases of runs that do not run',
  )
}

/** What is owed says what happened; what people see is what is owed, once it was delivered. */
async function endsAreTold({ read, runs }: Scene): Promise<void> {
  const rows = await read.selectFrom('messages').selectAll().execute()
  const owed = new Map(rows.map((row) => [row.key, JSON.parse(row.body) as Message['body']]))
  for (const run of runs.filter(isEnded)) {
    if (run.kind === 'copy') {
      const own = [...owed.keys()].filter((key) => key.startsWith(`run/${run.id}/`))
      assert.deepEqual(own, [], 'a copy is told in the thread of its backup')
      continue
    }
    const card = owed.get(`run/${run.id}/card`)
    if (run.kind !== 'restore') assertTells(card, run)
    const progress = owed.get(`run/${run.id}/progress`)
    if (['verify', 'prune'].includes(run.kind))
      assert.equal(progress, undefined, `run ${run.id} is told by its end alone`)
    else if (run.startedAt !== null) assertTells(progress, run)
    const alarm = owed.get(`run/${run.id}/alarm`)
    // of a drill that failed its incident calls people; a verification that could not read a place calls nobody
    const isLoud =
      run.state === 'failed' ? run.kind !== 'drill' : run.state === 'degraded' && run.kind === 'backup'
    assert.equal(alarm !== undefined, isLoud, `run ${run.id} ended ${run.state}: alarm?`)
    if (alarm) assertTells(alarm, run)
    if (run.params.request) {
      const request = owed.get(`request/${run.params.request}`)
      assert.ok(request?.type === 'request.card')
      assert.ok(isOver(request.request.state), 'the request ended with its run')
    }
  }
}

function assertTells(body: Message['body'] | undefined, run: Run): void {
  assert.ok(body && 'run' in body, `nothing tells the end of run ${run.id} (${run.kind}, ${run.state})`)
  assert.equal(body.run.state, run.state, `a message tells another end of run ${run.id}`)
  assert.equal(body.run.endedAt, run.endedAt)
  assert.deepEqual(body.run.fault, run.fault)
  assert.deepEqual(body.run.backup, run.result?.backup ?? null, `what run ${run.id} left is told otherwise`)
  assert.deepEqual(body.run.kept ?? null, run.result?.kept ?? null, `the kept dump of ${run.id}`)
}

const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1)

async function placesAreWhole({ read, places }: Scene): Promise<void> {
  for (const place of places)
    for (const copy of await listCopies(read, { storage: place.name })) {
      const [first] = copy.manifest.artifacts
      const manifest = `${folderOf(first!.key)}manifest.json`
      const stored = JSON.parse((await place.read(manifest)).toString()) as Manifest
      assert.deepEqual(
        stored,
        copy.manifest,
        `the catalogue says something else than the manifest of ${copy.id}`,
      )
      for (const artifact of objectsOf(copy.manifest)) {
        const bytes = await place.read(artifact.key)
        const isWhole =
          bytes.length === artifact.storedBytes &&
          createHash('sha256').update(bytes).digest('hex') === artifact.sha256
        assert.ok(isWhole || copy.corrupt !== null, `${artifact.key} is not what its manifest says`)
      }
    }
}

async function placesAreKnown({ read, places }: Scene): Promise<void> {
  for (const place of places) {
    const expected = new Set([markerKey])
    const folders = new Set<string>()
    for (const { manifest } of await listCopies(read, { storage: place.name })) {
      const folder = folderOf(manifest.artifacts[0]!.key)
      folders.add(folder)
      for (const key of [`${folder}manifest.json`, ...objectsOf(manifest).map(({ key }) => key)])
        expected.add(key)
    }
    const isSidecar = (key: string): boolean =>
      folders.has(folderOf(key)) && /\/((verdict|pin|unpin|drill)-[^/]+\.json|drill-[^/]+\.md)$/.test(key)
    const isHead = (key: string): boolean => /^audit\/[^/]+\/\d{4}-\d\d-\d\d\.json$/.test(key)
    const unexpected = (await place.keys()).filter(
      (key) => !expected.has(key) && !isSidecar(key) && !isHead(key),
    )
    assert.deepEqual(unexpected, [], `${place.name} holds what the catalogue does not know`)
  }
}

async function nothingIsLeft(scene: Scene): Promise<void> {
  const ended = new Set(scene.runs.filter(isEnded).map((run) => run.id))
  const open = new Set(scene.runs.filter((run) => !ended.has(run.id)).map((run) => run.id))
  const kept = new Set(scene.runs.filter((run) => run.result?.kept).map((run) => run.id))
  const left = (): string[] => readdirSync(scene.tempDir).filter((name) => !open.has(name) && !kept.has(name))
  for (let looks = 1; left().length > 0 && looks < 40; looks++)
    // a folder goes right after its run's end was written
    await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(left(), [], 'folders of ended runs in temp_dir')
  const folders = readdirSync(scene.tempDir)
  assert.deepEqual(
    [...kept].filter((name) => !folders.includes(name)),
    [],
    'dumps that are promised and not there',
  )
  assert.deepEqual(strays(ended), [], 'children of ended runs')
  const uploads = await scene.read.selectFrom('uploads').selectAll().execute()
  assert.deepEqual(
    uploads.filter(({ run }) => !open.has(run)),
    [],
    'uploads of ended runs',
  )
  if (scene.postgres && open.size === 0) assert.deepEqual(await sessionsSoon(scene.postgres), [])
}

/** A server needs a moment to notice that a client went away. */
async function sessionsSoon(server: NonNullable<Scene['postgres']>): Promise<unknown[]> {
  for (let looks = 1; ; looks++) {
    const sql =
      "SELECT application_name, query FROM pg_stat_activity WHERE application_name LIKE 'easy-backup %'"
    const sessions = await server.query(sql)
    if (sessions.length === 0 || looks === 40) return sessions
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function slotsAreSingle({ runs }: Scene): void {
  const bySlot = Object.groupBy(
    runs.filter((run) => run.slotAt !== null && run.trigger !== 'retry'),
    (run) => `${run.kind} of ${run.strategy} at ${new Date(run.slotAt!).toISOString()}`,
  )
  for (const [slot, taken] of Object.entries(bySlot))
    assert.equal(taken!.length, 1, `${slot} was run as ${taken!.map(({ id }) => id).join(', ')}`)
}

/** What a run left half exchanged is settled when it has ended. */
async function swapsAreSettled({ read, runs }: Scene): Promise<void> {
  const ended = new Set(runs.filter(isEnded).map((run) => run.id))
  const swaps = await read.selectFrom('swaps').selectAll().execute()
  assert.deepEqual(
    swaps.filter(
      ({ state, worked_on_by: by }) => ['restoring', 'exchanging'].includes(state) && ended.has(by),
    ),
    [],
  )
}

/** The secrets of the configuration are in no file we wrote, no log and no message, in any form. */
async function secretsAreKept({ secrets, folders, texts }: Scene): Promise<void> {
  const forms = secrets.flatMap(formsOf)
  const found = new Map(Object.entries(texts()))
  for (const folder of folders)
    for (const file of await everythingIn(folder)) found.set(file, readQuietly(join(folder, file)))
  for (const [where, text] of found)
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
