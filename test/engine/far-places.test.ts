import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import { recover } from '../../src/engine/recover.ts'
import { until } from '../support/dam.ts'
import { farKinds, makeFarPlace, type FarKind, type FarPlace } from '../support/far-places.ts'
import { hastyClock } from '../support/hasty-clock.ts'
import { everythingIn } from '../support/local.ts'
import {
  makeWorld,
  makeWorldFolder,
  openWorld,
  person,
  type World,
  type WorldOptions,
} from '../support/world.ts'
import { assertWorld } from '../world.ts'

interface Scene {
  place: FarPlace
  options: WorldOptions
  folder: string
}

/** A world whose first place is far away, with a database of so many megabytes that nothing makes smaller. */
async function scene(t: TestContext, kind: FarKind, megabytes: number): Promise<Scene> {
  const place = await makeFarPlace(t, kind)
  const folder = await makeWorldFolder(t)
  const storageDir = join(folder, 'disk')
  await mkdir(storageDir)
  const storages = { far: place.settings, disk: { type: 'local', path: storageDir } }
  const global = { storages, storage: ['far', 'disk'] }
  const options = { folder, storageDir, global, clock: hastyClock }
  await (await openWorld(folder, options)).close()
  const shop = new DatabaseSync(join(folder, 'shop.db'))
  shop.exec('CREATE TABLE noise (bytes BLOB)')
  for (let i = 0; i < megabytes; i++) shop.exec('INSERT INTO noise VALUES (randomblob(1000000))')
  shop.close()
  return { place, options, folder }
}

/** From the far place: the near one is empty then. */
async function restored(world: World, folder: string): Promise<number> {
  const target = join(folder, 'back.db')
  const asked = {
    backup: 'latest',
    strategy: 'shop',
    targetDb: null,
    targetUrl: `sqlite://${target}`,
    noOwner: false,
    reason: null,
  }
  const { id, version } = await world.engine.requestRestore(asked, person)
  const end = await world.finish((await world.engine.confirm(id, version, person)).run!)
  assert.deepEqual([end.state, end.fault], ['succeeded', null])
  const back = new DatabaseSync(target, { readOnly: true })
  const { bytes } = back.prepare('SELECT sum(length(bytes)) AS bytes FROM noise').get()!
  back.close()
  return Number(bytes)
}

suite('places far away, with the whole engine', () => {
  for (const kind of farKinds) {
    test(`${kind}: a backup goes there and comes back, through a connection that is cut`, async (t) => {
      const { place, options, folder } = await scene(t, kind, 4)
      const world = await makeWorld(t, options)
      place.weir.cutAfter(1_500_000)
      const end = await world.backup()
      assert.deepEqual([end.state, end.fault, end.backup?.storages], ['succeeded', null, ['far', 'disk']])
      assert.equal(await restored(world, folder), 4_000_000)
      assert.equal(await place.isUploading(), false)
      await assertWorld(world)
    })

    test(`${kind}: of a run killed in the middle of an upload nothing is left there, and it goes on`, async (t) => {
      const { place, options, folder } = await scene(t, kind, kind === 'azure' ? 22 : 12)
      place.weir.holdAfter(kind === 'azure' ? 18_000_000 : 4_000_000) // at least one block has arrived
      const script = join(import.meta.dirname, '../support/backup-to.ts')
      const args = [script, folder, options.storageDir!, JSON.stringify(options.global)]
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
        stdio: 'inherit',
      })
      const isWhole = async (): Promise<boolean> =>
        (await everythingIn(join(folder, 'temp'))).some((path) => path.endsWith('/whole.json'))
      await until(async () => (await place.isUploading()) && (await isWhole()), 'it uploads')
      child.kill('SIGKILL')
      await once(child, 'exit')
      place.weir.release()
      const world = await makeWorld(t, options)
      await recover(world.context)
      const rows = (): Promise<unknown[]> =>
        world.context.database.read.selectFrom('uploads').selectAll().execute()
      assert.deepEqual([await place.isUploading(), await rows()], [false, []])
      const [run] = await world.engine.runs({ limit: 9 })
      const end = await world.finish(run!.id)
      assert.deepEqual([end.state, end.backup?.storages.toSorted()], ['succeeded', ['disk', 'far']])
      assert.deepEqual([await place.isUploading(), await rows()], [false, []])
      await assertWorld(world)
    })
  }
})
