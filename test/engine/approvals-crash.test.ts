import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { systemClock } from '../../src/sys/clock.ts'
import { isPrecious, makePrecious, protectedWorld } from '../support/approvals.ts'
import { goOn } from '../support/crash-approval.ts'
import { makeWorldFolder, openWorld, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const script = join(import.meta.dirname, '../support/crash-approval.ts')
const mostSteps = 60

async function crash(folder: string, at: number): Promise<string> {
  const argv = ['--disable-warning=ExperimentalWarning', script, folder, String(at)]
  const child = await promisify(execFile)(process.execPath, argv).catch(
    (error: { stdout: string; signal: string }) => error,
  )
  if ('signal' in child) assert.equal(child.signal, 'SIGKILL')
  return child.stdout.trim()
}

test('killed between any two steps of an approval, it is done once or not at all, and always said (promises 3 and 11)', async (t) => {
  const folder = await makeWorldFolder(t)
  const options = { ...protectedWorld, clock: systemClock }
  const first = await openWorld(folder, options)
  assert.equal((await first.backup()).state, 'succeeded')
  const precious = makePrecious(first)
  await first.close()
  const kept = await mkdtemp(join(tmpdir(), 'easy-backup-kept-'))
  t.after(() => rm(kept, { recursive: true }))
  await cp(folder, kept, { recursive: true })
  const seen = new Set<string>()
  for (let at = 1; ; at++) {
    assert.ok(at < mostSteps, 'it never got to its end')
    const said = await crash(folder, at)
    if (said.startsWith('done')) break
    const world = await openWorld(folder, options)
    await goOn(world)
    seen.add(await endOf(world, isPrecious(precious)))
    await world.deliver()
    await assertWorld(world)
    await world.close()
    await rm(folder, { recursive: true })
    await cp(kept, folder, { recursive: true })
  }
  assert.deepEqual([...seen].toSorted(), ['done: overwritten', 'failed (interrupted): kept'])
})

/** One request, one end, at most one run; and what the target says of it. */
async function endOf(world: World, isKept: boolean): Promise<string> {
  const { read } = world.context.database
  const [request, ...others] = await read.selectFrom('requests').selectAll().execute()
  assert.ok(request && others.length === 0)
  const runs = (await world.engine.runs({ limit: 9 })).filter(({ kind }) => kind === 'restore')
  assert.ok(runs.length <= 1)
  const end = (await read.selectFrom('audit').selectAll().execute()).filter(
    ({ act }) => act === 'restore.run',
  )
  assert.equal(end.length, 1, 'its end is in the audit log once')
  const fault = request.fault === null ? '' : ` (${(JSON.parse(request.fault) as { code: string }).code})`
  return `${request.state}${fault}: ${isKept ? 'kept' : 'overwritten'}`
}
