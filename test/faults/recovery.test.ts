import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { recover } from '../../src/engine/recover.ts'
import { everythingIn } from '../support/local.ts'
import { makeWorldFolder, openWorld, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const here = import.meta.dirname
const crashAt = join(here, '../support/crash-at.ts')
const recoverAndDie = join(here, 'recover-and-die.ts')

test('a service killed again at any durable step of its recovery ends each run once, told, and leaves nothing', async (t) => {
  const folder = await makeWorldFolder(t)
  const first = await openWorld(folder)
  assert.equal((await first.backup()).state, 'succeeded')
  await first.close()
  await killAfterDump(folder)
  const killed = join(dirname(folder), `${folder.split('/').at(-1)}-killed`)
  cpSync(folder, killed, { recursive: true })
  t.after(() => rmSync(killed, { recursive: true, force: true }))
  for (let step = 1, done = false; !done; step++) {
    rmSync(folder, { recursive: true })
    cpSync(killed, folder, { recursive: true, preserveTimestamps: true })
    const said = await node(recoverAndDie, folder, String(step))
    done = said.startsWith('done')
    const world = await openWorld(folder)
    await recover(world.context)
    await finishQueued(world)
    await world.deliver()
    const ends = (await world.engine.runs({ limit: 9 })).map(({ state }) => state)
    // a run whose dump is whole may go on instead
    assert.match(
      ends.toSorted().join(),
      /^(interrupted|succeeded),succeeded$/,
      `killed at step ${step} of the recovery`,
    )
    await assertWorld(world)
    await world.close()
    if (done) t.diagnostic(`${said.trim().split(' ').at(-1)} steps`)
    assert.ok(step < 40)
  }
})

/** What goes on is queued again, and carried out by whoever works. */
async function finishQueued(world: World): Promise<void> {
  for (const { id, state } of await world.engine.runs({ limit: 9 }))
    if (state === 'queued') await world.finish(id)
}

/** Its dump lies in the storage, its manifest does not. */
async function killAfterDump(folder: string): Promise<void> {
  const clean = `${folder}-clean`
  cpSync(folder, clean, { recursive: true })
  for (let step = 6; ; step++) {
    await node(crashAt, folder, String(step), 'backup')
    const stored = await everythingIn(join(folder, 'storage', 'shop'))
    const [dumps, manifests] = ['.db', 'manifest.json'].map(
      (name) => stored.filter((key) => key.includes(`/shop${name}`) || key.endsWith(`/${name}`)).length,
    )
    if (dumps! > manifests!) break
    assert.ok(step < 40, 'no step lies between the dump and its manifest')
    rmSync(folder, { recursive: true })
    cpSync(clean, folder, { recursive: true })
  }
  rmSync(clean, { recursive: true })
}

function node(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)))
  return new Promise((done) => child.once('close', () => done(said)))
}
