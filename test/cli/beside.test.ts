import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { faultTable } from '../../src/core/faults.ts'
import type { RunView } from '../../src/core/model.ts'
import { everythingIn } from '../support/local.ts'
import { makePlace, type Place } from './typist.ts'

/** The real service in a process of its own, ready to work. */
async function serve(t: TestContext, place: Place): Promise<ChildProcess> {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const service = spawn(process.execPath, [main, 'daemon', '-c', place.config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => service.kill('SIGKILL'))
  for await (const chunk of service.stdout!) if (String(chunk).includes('easy-backup serves')) break
  service.stdout!.resume()
  return service
}

test('beside a service a run is handed over, waited for when asked, and the service ends well on TERM', async (t) => {
  const place = await makePlace(t)
  const service = await serve(t, place)
  const second = await place.type('serve')
  assert.equal(second.exit, faultTable['state-locked'].exit)

  const handed = await place.type('run shop --json')
  assert.equal(handed.exit, 0, handed.stderr)
  assert.ok(['queued', 'running'].includes((JSON.parse(handed.text) as RunView).state))
  const waited = await place.type('run blog --wait')
  assert.equal(waited.exit, 0, waited.stderr)
  assert.match(waited.text, /^blog: backed up in /)
  const target = join(place.folder, 'again.db')
  const restored = await place.type(`restore blog --target-db ${target} --yes`)
  assert.equal(restored.exit, 0, restored.stderr)
  assert.match(restored.text, /^blog: restored into /)

  service.kill('SIGTERM')
  assert.deepEqual(await once(service, 'exit'), [0, null])
})

test('Ctrl-C cancels what runs, waits for its end and leaves nothing behind', async (t) => {
  const place = await makePlace(t)
  const database = new DatabaseSync(join(place.folder, 'shop.db'))
  database.exec(`create table blobs as with recursive n(i) as (select 1 union all select i + 1 from n where i < 60)
    select randomblob(1000000) as blob from n`)
  database.close()
  const said = await place.type('run shop', { interruptsAt: /queued/ })
  assert.equal(said.exit, faultTable.cancelled.exit, said.stderr)
  assert.match(said.stderr, /cancelling; Ctrl-C again leaves at once\nerror: shop: backup cancelled/)
  assert.deepEqual(
    (await everythingIn(join(place.folder, 'store'))).filter((path) => path.includes('shop')),
    [],
  )
  assert.deepEqual(await readdir(join(place.folder, 'tmp')), [])
  assert.equal((await place.type('list --json')).text.trim(), '[]')
})

test('a service says what is doubtful in its configuration', async (t) => {
  const place = await makePlace(t)
  const text = await readFile(place.config, 'utf8')
  await writeFile(
    place.config,
    text.replace(/^global:.*$/m, '$&\n  retention: 1h'),
  )
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const service = spawn(process.execPath, [main, 'serve', '-c', place.config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => service.kill('SIGKILL'))
  let said = ''
  for await (const chunk of service.stdout!) if ((said += String(chunk)).includes('serves')) break
  assert.match(said, /retention 1h is shorter than two runs.*doubtful/)
  service.kill('SIGTERM')
  await once(service, 'exit')
})
