import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { recover } from '../../src/engine/recover.ts'
import { makeWorldFolder, openWorld } from '../support/world.ts'
import { assertWorld } from '../world.ts'

const here = import.meta.dirname
const crashAt = join(here, '../support/crash-at.ts')
const recoverAndDie = join(here, 'recover-and-die.ts')
const middleOfBackup = 9 // its dump lies in the storage, its manifest does not

test('a service killed again at any durable step of its recovery ends each run once, told, and leaves nothing', async (t) => {
  const folder = await makeWorldFolder(t)
  const first = await openWorld(folder)
  assert.equal((await first.backup()).state, 'succeeded')
  await first.close()
  await node(crashAt, folder, String(middleOfBackup), 'backup')
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
    await world.deliver()
    const ends = (await world.engine.runs({ limit: 9 })).map(({ state }) => state)
    assert.deepEqual(ends.toSorted(), ['interrupted', 'succeeded'], `killed at step ${step} of the recovery`)
    await assertWorld(world)
    await world.close()
    if (done) t.diagnostic(`${said.trim().split(' ').at(-1)} steps`)
    assert.ok(step < 40)
  }
})

function node(...args: string[]): Promise<string> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => (said += String(chunk)))
  return new Promise((done) => child.once('close', () => done(said)))
}
