import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../playground/servers/free-port.ts'
import { faultTable } from '../../src/core/faults.ts'
import type { RunView } from '../../src/core/model.ts'
import { until } from '../support/bot.ts'
import { endProcess } from '../support/ended.ts'
import { everythingIn } from '../support/local.ts'
import { makePlace, type Place } from './typist.ts'

/** The real service in a process of its own, ready to work. */
async function serve(t: TestContext, place: Place): Promise<ChildProcess> {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const service = spawn(process.execPath, [main, 'daemon', '-c', place.config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => endProcess(service))
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

test('a service reloads by command and by HUP, all or nothing, and only one takes the ports', async (t) => {
  const place = await makePlace(t)
  const port = await freePort()
  const first = (await readFile(place.config, 'utf8')).replace(
    /^global:.*$/m,
    `$&\n  monitoring: { health_check: { port: ${port} }, metrics: { port: ${port} } }`,
  )
  await writeFile(place.config, first)
  const service = await serve(t, place)
  const measured = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  assert.equal((await place.type('serve')).exit, faultTable['state-locked'].exit, 'not: the port is in use')

  const more = `${first}  - { name: more, database_url: "sqlite://${place.folder}/shop.db" }\n`
  await writeFile(place.config, more)
  const reloaded = await place.type('reload')
  assert.equal(reloaded.exit, 0, reloaded.stderr)
  assert.match(reloaded.text, /1 strategy added: more/)
  assert.match(await measured(), /easy_backup_overdue\{strategy="more"\} 0/)

  await writeFile(place.config, more.replace('schedule: 6h', 'schedule: 6x'))
  const refused = await place.type('reload')
  assert.equal(refused.exit, faultTable['config-invalid'].exit)
  assert.match(refused.stderr, /^\S+:\d+:\d+ {2}global\.schedule/)
  service.kill('SIGHUP')
  await writeFile(place.config, first)
  service.kill('SIGHUP')
  await until(
    async () => !(await measured()).includes('easy_backup_overdue{strategy="more"}'),
    'the strategy is gone again',
  )
  service.kill('SIGTERM')
  assert.deepEqual(await once(service, 'exit'), [0, null])

  const alone = await place.type('reload')
  assert.equal(alone.exit, faultTable['not-found'].exit)
})

test('doctor ends with a code of its own when something has to be mended', async (t) => {
  const place = await makePlace(t)
  const well = await place.type('doctor')
  assert.equal(well.exit, 0, well.text)
  assert.match(well.text, /^everything works\n/)
  assert.ok(well.text.split('\n').length < 12, 'one screen')
  await rename(join(place.folder, 'blog.db'), join(place.folder, 'away.db'))
  const ill = await place.type('test')
  assert.equal(ill.exit, faultTable['check-failed'].exit)
  assert.match(ill.text, /^1 thing to mend\n[^]*blog +✗ .*does not exist\n +→ /)
  assert.equal((await place.type('doctor shop')).exit, 0)
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
  await writeFile(place.config, text.replace(/^global:.*$/m, '$&\n  retention: 1h'))
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const service = spawn(process.execPath, [main, 'serve', '-c', place.config], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => endProcess(service))
  let said = ''
  for await (const chunk of service.stdout!) if ((said += String(chunk)).includes('serves')) break
  assert.match(said, /retention 1h is shorter than two runs.*doubtful/)
  service.kill('SIGTERM')
  await once(service, 'exit')
})
