import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test, type TestContext } from 'node:test'
import type { AuditRow } from '../../src/core/audit.ts'
import { faultTable } from '../../src/core/faults.ts'
import type { BackupView } from '../../src/core/model.ts'
import { makePlace, type Place } from './typist.ts'

const unknown = faultTable['not-found'].exit
const misused = faultTable.usage.exit

/** `shop` has one backup and a place for copies, `blog` has neither. */
async function makeShop(t: TestContext): Promise<Place> {
  const place = await makePlace(t)
  const { config, folder } = place
  const text = await readFile(config, 'utf8')
  const clones = `clones: { staging: { database_url: "sqlite://${folder}/staging.db" } }`
  await writeFile(config, text.replace('tags: [client-a]', `tags: [client-a], ${clones}`))
  const made = await place.type('run shop')
  assert.equal(made.exit, 0, made.stderr)
  return place
}

test('where nobody can be asked, what is wrong with a line is said before that a confirmation is missing', async (t) => {
  const { type, folder } = await makeShop(t)
  const cases: [string, number, RegExp][] = [
    ['clone nope staging', unknown, /^error: there is no strategy `nope`\n/],
    ['clone shop stagin', unknown, /^error: shop has no place stagin for copies\n {2}did you mean staging\?/],
    ['clone shop stagin zzzz', unknown, /^error: shop has no place stagin for copies\n/],
    ['clone shop staging zzzz', unknown, /^error: .*zzzz/],
    ['clone shop staging --database other', unknown, /^error: there is no backup of database `other`\n/],
    ['clone blog staging', unknown, /^error: blog has no place for copies\n/],
    ['restore zzzz', unknown, /^error: .*zzzz/],
    ['restore nope latest', unknown, /^error: there is no strategy `nope`\n/],
    ['restore latest --strategy nope', unknown, /^error: there is no strategy `nope`\n/],
    ['restore latest', misused, /^error: the latest backup of which strategy\?\n/],
    ['restore blog', unknown, /^error: .*blog/],
    [
      'restore shop --target-url nothing:x',
      faultTable['target-invalid'].exit,
      /^error: --target-url: this is not a SQLite URL/,
    ],
    [
      `restore shop --target-url sqlite://${folder}/blog.db`,
      faultTable['target-exists'].exit,
      /^error: .*blog\.db/,
    ],
    ['restore --from nothing-here', faultTable['object-missing'].exit, /^error: .*nothing-here/],
    ['prune nope', unknown, /^error: there is no strategy `nope`\n/],
    ['prune tag:nope', unknown, /^error: no strategy has the tag `nope`\n/],
    ['confirm zzzz', unknown, /^error: .*zzzz/],
    ['confirm zzzz 1', unknown, /^error: .*zzzz/],
    ['dismiss zzzz', unknown, /^error: .*zzzz/],
    ['approve zzzz', unknown, /^error: .*zzzz/],
    ['reject zzzz --reason no', unknown, /^error: .*zzzz/],
    ['undo zzzz', unknown, /^error: .*zzzz/],
    ['undo zzzz 1', unknown, /^error: .*zzzz/],
    ['pin zzzz', unknown, /^error: .*zzzz/],
    ['pin blog', unknown, /^error: .*blog/],
    ['unpin zzzz', unknown, /^error: .*zzzz/],
    ['verify zzzz', unknown, /^error: .*zzzz/],
    ['verify --all nope', unknown, /^error: there is no strategy `nope`\n/],
    ['drill nope', unknown, /^error: there is no strategy `nope`\n/],
    ['drill shop zzzz', unknown, /^error: .*zzzz/],
    ['drill blog', unknown, /^error: .*blog/],
  ]
  for (const [line, exit, stderr] of cases) {
    const said = await type(line)
    assert.match(said.stderr, stderr, line)
    assert.equal(said.exit, exit, `${line}: ${said.stderr}`)
    assert.equal(said.text, '', line)
  }
  assert.equal((await type('requests --json')).text, '[]\n', 'nothing was filed')
})

test('where nobody can be asked, a line that is right asks for --yes and files nothing', async (t) => {
  const { type } = await makeShop(t)
  const [backup] = JSON.parse((await type('list --json')).text) as BackupView[]
  for (const line of ['restore shop', `restore ${backup!.id}`, 'clone shop staging', 'prune', 'prune shop'])
    for (const form of [line, `${line} --json`]) {
      // with --json a person at a terminal is not asked either
      const said = await type(form, form === line ? {} : { answers: ['y'] })
      assert.equal(said.exit, misused, form)
      assert.match(
        said.stderr,
        /asks for a confirmation, and nobody can be asked here.*add --yes.*--dry-run/s,
      )
      assert.equal(said.text, '', form)
    }
  assert.equal((await type('requests --json')).text, '[]\n', 'nothing was filed')
})

test('where nobody can be asked, a request that waits for nobody says so instead of asking for --yes', async (t) => {
  const { type } = await makeShop(t)
  const no = await type('restore shop', { answers: ['n'] })
  assert.equal(no.exit, faultTable.cancelled.exit, no.stderr)
  const log = JSON.parse((await type('audit --json')).text) as AuditRow[]
  const id = log.find(({ act }) => act === 'restore.cancel')!.subject!
  const said = await type(`confirm ${id}`)
  assert.equal(said.exit, faultTable.stale.exit, said.stderr)
  assert.doesNotMatch(said.stderr, /--yes/)
})
