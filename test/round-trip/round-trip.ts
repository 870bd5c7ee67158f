import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { BackupResult } from '../../src/core/model.ts'
import { makeWorld, person, type World } from '../support/world.ts'

/** A database that is backed up, wiped and restored into its emptied self. */
export interface Subject {
  settings: Record<string, unknown>
  /** What `--target-db` takes. */
  target: string
  /** Every object and a digest of every table's rows, by names that people can read in a difference. */
  content(): Promise<Record<string, string>>
  /** Nothing of it is left; what the restore goes into is there and empty, or absent. */
  wipe(): Promise<void>
}

const name = 'subject'

/** The whole walk: real engine, real place, real restore.
 * @returns what the backup says of itself */
export async function roundTrip(t: TestContext, subject: Subject): Promise<BackupResult> {
  const before = await subject.content()
  assert.ok(Object.keys(before).length > 0, 'there is something to compare')
  const world = await makeWorld(t, { strategies: { [name]: subject.settings } })
  const run = await world.backup(name)
  assert.deepEqual([run.state, run.fault?.text], ['succeeded', undefined])
  assert.equal(run.backup!.level, 'V2')
  await subject.wipe()
  await restore(world, subject)
  assert.deepEqual(await subject.content(), before)
  await world.close()
  return run.backup!
}

async function restore(world: World, { target }: Subject): Promise<void> {
  const ask = { backup: 'latest', strategy: name, targetDb: target, targetUrl: null, noOwner: false }
  const request = await world.engine.requestRestore({ ...ask, reason: null }, person)
  assert.deepEqual(request.plan.blockers, [])
  const confirmed = await world.engine.confirm(request.id, request.version, person)
  const run = await world.finish(confirmed.run!)
  assert.deepEqual([run.state, run.fault?.text], ['succeeded', undefined])
}
