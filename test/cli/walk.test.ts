import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { faultTable } from '../../src/core/faults.ts'
import type { BackupView, Health, RequestView, RunView, StrategyView } from '../../src/core/model.ts'
import { makePlace, type Said } from './typist.ts'

function json<T>(said: Said): T {
  return JSON.parse(said.text) as T
}

function rows(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true })
  const [first] = database.prepare('select count(*) as rows, min(what) as first from orders').all()
  database.close()
  return { ...first }
}

const sold = { rows: 3, first: 'chair' }

test('backed up, listed, shown, verified, restored and handed out from the command line', async (t) => {
  const place = await makePlace(t)
  const all = await place.type('run')
  assert.equal(all.exit, 0, all.stderr)
  assert.match(all.text, /^shop: backed up in /m)
  assert.match(all.text, /^blog: backed up in /m)
  assert.match(all.text, /decoded whole, 1 table, 3 rows/)
  assert.match(all.stderr, /^shop: backup queued · run /m)

  const backups = json<BackupView[]>(await place.type('list --json'))
  assert.deepEqual(backups.map(({ strategy }) => strategy).toSorted(), ['blog', 'shop'])
  const shop = backups.find(({ strategy }) => strategy === 'shop')!
  assert.deepEqual(json<BackupView[]>(await place.type('list tag:client-a --json')), [shop])
  assert.match((await place.type('list shop')).text, new RegExp(`^${shop.id} .*\n\n1 backup · `, 'm'))
  assert.deepEqual(json<BackupView[]>(await place.type('list --since 2030-01-01 --json')), [])
  assert.deepEqual(json<BackupView[]>(await place.type(`list --search ${shop.id} --level V2 --json`)), [shop])

  const shown = await place.type(`show ${shop.id.slice(-4)}`)
  assert.match(shown.text, new RegExp(`^${shop.id}\n`))
  assert.match(shown.text, /Level +V2 decoded whole/)
  assert.match(shown.text, /gzip -dc < '.*\/shop\.db\.gz' > 'shop\.db'/)

  const verified = json<RunView>(await place.type(`verify ${shop.id.slice(-4)} --json`))
  assert.equal(verified.verify?.backup, shop.id)
  assert.equal(verified.verify?.level, 'V2')

  const target = join(place.folder, 'again.db')
  const dry = await place.type(`restore shop --target-db ${target} --dry-run --json`)
  assert.equal(dry.exit, 0, dry.stderr)
  assert.equal(json<RequestView>(dry).plan.backup.id, shop.id)
  assert.ok(!existsSync(target))
  const restored = await place.type(`restore shop --target-db ${target}`, { answers: ['y'] })
  assert.equal(restored.exit, 0, restored.stderr)
  assert.match(restored.stderr, /Backup +shop-.*\[y\/N\]/s)
  assert.deepEqual(rows(target), sold)

  const copy = join(place.folder, 'copy.db')
  const got = await place.type('get latest --strategy shop --decompress')
  assert.equal(got.exit, 0, got.stderr)
  await writeFile(copy, got.stdout)
  assert.deepEqual(rows(copy), sold)
})

test('the commands that show prints restore the backup when they are pasted', async (t) => {
  const place = await makePlace(t)
  await place.type('run shop')
  const { text } = await place.type('show latest --strategy shop')
  const commands = text.split('\n\n')[1]!.replaceAll(/^ {2}/gm, '')
  const folder = join(place.folder, 'by-hand')
  await mkdir(folder)
  await promisify(execFile)('sh', ['-e', '-c', commands], { cwd: folder })
  assert.deepEqual(rows(join(folder, 'restored.db')), sold)
})

test('status and schedule say what is and what comes, in words and in JSON', async (t) => {
  const place = await makePlace(t)
  await place.type('run shop')
  const overview = await place.type('status')
  assert.match(overview.text, /^shop +succeeded +just now /m)
  assert.match(overview.text, /^blog +never +– +– +–$/m)
  assert.match(overview.text, /2 strategies, nothing needs attention, 1 unproven · 1 backup, /)
  const data = json<{ health: Health; totals: { backups: number }; strategies: StrategyView[] }>(
    await place.type('health --json'),
  )
  assert.equal(data.health.strategies.total, 2)
  assert.equal(data.totals.backups, 1)
  const one = await place.type('status shop')
  assert.match(one.text, /Schedule +every 6h \(Europe\/Paris\)/)
  const slots = json<{ strategy: string; at: number }[]>(await place.type('schedule --limit 3 --json'))
  assert.deepEqual(
    slots.map(({ strategy }) => strategy),
    ['shop', 'shop', 'shop'],
  )
  assert.match((await place.type('schedule')).text, /^in .* shop +backup +every 6h \(Europe\/Paris\)$/m)
})

test('a question answered with anything but yes changes nothing and drops the request', async (t) => {
  const place = await makePlace(t)
  await place.type('run shop')
  for (const answer of ['n', '', 'yess', 'no']) {
    const target = join(place.folder, 'never.db')
    const said = await place.type(`restore shop --target-db ${target}`, { answers: [answer] })
    assert.equal(said.exit, faultTable.cancelled.exit)
    assert.match(said.stderr, /error: not confirmed; nothing was changed\n$/)
    assert.ok(!existsSync(target))
    const request = /Request +(\S+)/.exec(said.stderr)![1]!
    const late = await place.type(`confirm ${request} 1 --yes`)
    assert.equal(late.exit, faultTable.stale.exit, late.stderr)
    assert.ok(!existsSync(target))
  }
})

test('a restore that cannot be done says why and changes nothing', async (t) => {
  const place = await makePlace(t)
  await place.type('run shop')
  const target = join(place.folder, 'blog.db')
  for (const flag of ['--dry-run', '--yes']) {
    const said = await place.type(`restore shop --target-db ${target} ${flag}`)
    assert.equal(said.exit, faultTable['target-exists'].exit)
    assert.match(said.text + said.stderr, /exists already/)
    if (flag === '--dry-run') assert.match(said.text, /Blocked +.*blog\.db exists already/)
  }
  assert.deepEqual(rows(target), sold)
})

test('overwriting asks for the name of what is overwritten, and keeps the old file', async (t) => {
  const place = await makePlace(t)
  await place.type('run shop')
  const target = join(place.folder, 'used.db')
  const used = new DatabaseSync(target)
  used.exec('create table mine (x)')
  used.close()
  const line = `restore shop --target-db ${target} --clean`
  const refused = await place.type(line, { answers: ['y'] })
  assert.equal(refused.exit, faultTable.cancelled.exit)
  assert.match(refused.stderr, /EXISTS AND IS OVERWRITTEN.*Type .*used\.db to overwrite it: /s)
  const said = await place.type(line, { answers: [target] })
  assert.equal(said.exit, 0, said.stderr)
  assert.deepEqual(rows(target), sold)
  const kept = (await readdir(place.folder)).filter((name) => name.startsWith('used.db.replaced_'))
  assert.equal(kept.length, 1)
})

test('a run that fails says why on standard error and exits with its fault', async (t) => {
  const place = await makePlace(t)
  await rename(join(place.folder, 'shop.db'), join(place.folder, 'gone.db'))
  const said = await place.type('run shop')
  assert.equal(said.exit, faultTable['database-missing'].exit)
  assert.equal(said.text, '')
  assert.match(said.stderr, /\nerror: shop: backup failed: .*shop\.db does not exist\n {2}\S/)
  const both = await place.type('run all')
  assert.equal(both.exit, faultTable['database-missing'].exit)
  assert.match(both.text, /^blog: backed up/)
  const status = await place.type('status')
  assert.match(status.text, /^shop +failed/m)
  assert.match(status.text, /1 needs attention/)
  const failed = await place.type('run shop --json')
  assert.equal(json<RunView>(failed).fault?.code, 'database-missing')
  assert.equal(failed.exit, faultTable['database-missing'].exit)
})

test('what is not there is told with what is near', async (t) => {
  const place = await makePlace(t)
  await place.type('run shop')
  const cases: [string, number, RegExp][] = [
    ['run shp', 5, /^error: there is no strategy `shp`\n {2}did you mean `shop`\?\n$/],
    ['run Shop', 5, /^error: there is no strategy `Shop`\n {2}did you mean `shop`\?\n$/],
    ['run tag:client-b', 5, /^error: no strategy has the tag `client-b`\n {2}did you mean tag:client-a\?\n$/],
    ['list nothing', 5, /^error: there is no strategy `nothing`\n {2}strategies: shop, blog\n$/],
    ['list shop --strategy blog', 2, /exclude each other/],
    ['list --since yesterday', 2, /`yesterday` is neither a duration nor a date/],
    ['show zzzz', 5, /^error: there is no backup zzzz\n/],
    [
      'show latest',
      2,
      /^error: the latest backup of which strategy\?\n {2}name it with --strategy; strategies: shop, blog\n$/,
    ],
    ['restore --yes', 2, /^error: `restore` needs a backup or a strategy\n/],
    ['restore shop --database other --dry-run', 5, /^error: there is no backup of database `other`/],
    ['restore shop --target-db a --target-url sqlite:///b --yes', 2, /exclude each other/],
    ['cancel shop', 5, /^error: nothing of shop is running\n/],
    ['log blog', 5, /^error: blog has not run yet\n {2}`run blog` starts it\n$/],
    ['confirm rq-none --yes', 5, /^error: there is no request rq-none\n/],
  ]
  for (const [line, exit, stderr] of cases) {
    const said = await place.type(line)
    assert.match(said.stderr, stderr, line)
    assert.equal(said.exit, exit, line)
    assert.equal(said.text, '', line)
  }
})

test('a backup is never written to a screen', async (t) => {
  const place = await makePlace(t)
  const said = await place.type('get latest --strategy shop', { isScreen: true })
  assert.equal(said.exit, faultTable.usage.exit)
  assert.equal(said.text, '')
  assert.match(said.stderr, /binary.*\n {2}write it to a file/)
})

test('config check counts and warns or lists every mistake; config print hides secrets', async (t) => {
  const place = await makePlace(t)
  const good = await place.type('config check')
  assert.equal(good.exit, 0)
  assert.match(good.text, /^OK: .*\n {2}2 strategies \(shop, blog\), 1 place \(nas\)\n/)
  assert.equal(json<{ ok: boolean }>(await place.type('config check --json')).ok, true)
  await writeFile(
    place.config,
    `global: { storages: { nas: { type: local, path: /x } }, colour: red }
strategies:
  - { name: A, database_url: "postgres://u:hunter2@h/d" }
`,
  )
  const bad = await place.type('config check')
  assert.equal(bad.exit, faultTable['config-invalid'].exit)
  assert.match(bad.stderr, /:1:\d+ .*colour/)
  assert.match(bad.stderr, /:3:\d+ .*name/)
  await writeFile(
    place.config,
    `global: { storages: { nas: { type: local, path: /x } } }
strategies:
  - { name: a, database_url: "postgres://u:hunter2@h/d", schedule: 1d }
`,
  )
  for (const flag of ['', ' --json']) {
    const printed = await place.type(`config print${flag}`)
    assert.equal(printed.exit, 0, printed.stderr)
    assert.doesNotMatch(printed.text, /hunter2/)
    assert.match(printed.text, /\*\*\*/)
  }
})
