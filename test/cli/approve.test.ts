import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { suite, test, type TestContext } from 'node:test'
import { faultTable } from '../../src/core/faults.ts'
import type { AnyRequestView } from '../../src/core/model.ts'
import { until } from '../support/bot.ts'
import { makePlace, type Place, type Said } from './typist.ts'

const interrupted = 130

interface Scene extends Place {
  target: string
  /** The line that overwrites it. */
  line: string
  isOverwritten(): boolean
}

/** A protected database with a backup, and another one that somebody needs. */
async function scene(t: TestContext): Promise<Scene> {
  const place = await makePlace(t)
  const text = await readFile(place.config, 'utf8')
  await writeFile(place.config, text.replace('tags: [client-a]', 'protected: true'))
  await place.type('run shop')
  const target = join(place.folder, 'used.db')
  const used = new DatabaseSync(target)
  used.exec('create table mine (x)')
  used.close()
  const isOverwritten = (): boolean => {
    const database = new DatabaseSync(target, { readOnly: true })
    const found = database.prepare("select name from sqlite_master where name = 'orders'").get()
    database.close()
    return found !== undefined
  }
  return { ...place, target, line: `restore shop --target-db ${target} --clean`, isOverwritten }
}

async function waiting(place: Place): Promise<AnyRequestView> {
  let found: AnyRequestView | undefined
  await until(async () => {
    const said = await place.type('requests --json')
    found = (JSON.parse(said.text) as AnyRequestView[]).find(({ state }) => state === 'waiting')
    return found !== undefined
  }, 'a request waits')
  return found!
}

const typed = { answers: ['used.db'] }

suite('overwriting something protected from the command line', () => {
  test('without a reason it waits; Ctrl-C leaves it waiting, and it says where', async (t) => {
    const here = await scene(t)
    const said = await here.type(here.line, { ...typed, interruptsAt: /waits until/ })
    assert.equal(said.exit, interrupted, said.stderr)
    assert.match(said.stderr, /needs a second person: request rq-\w+ waits until .* no service runs here/)
    assert.match(said.stderr, /the request stays; `easy-backup confirm rq-\w+` waits for it again/)
    assert.match(
      (await here.type('requests')).text,
      /rq-\w+ .*restore shop-.* into .*used\.db .*waits for a second person/,
    )
    assert.ok(!here.isOverwritten())
  })

  async function whileItWaits(
    here: Scene,
    decide: (request: AnyRequestView) => Promise<Said>,
  ): Promise<[Said, Said]> {
    const waits = here.type(here.line, typed)
    const decided = await decide(await waiting(here))
    return [await waits, decided]
  }

  test('approved meanwhile on the host, whoever waits sees it done; one’s own needs a reason', async (t) => {
    const here = await scene(t)
    const [waited, approved] = await whileItWaits(here, async ({ id }) => {
      const own = await here.type(`approve ${id}`)
      assert.equal(own.exit, faultTable.denied.exit)
      assert.match(own.stderr, /somebody else has to approve it\n {2}add --reason/)
      return here.type(`approve ${id} --reason alone`)
    })
    assert.deepEqual([approved.exit, waited.exit], [0, 0], approved.stderr + waited.stderr)
    assert.match(waited.text, /restored into/)
    assert.ok(here.isOverwritten())
  })

  test('rejected meanwhile, it ends with a code of its own and the reason', async (t) => {
    const here = await scene(t)
    const [waited] = await whileItWaits(here, ({ id }) => here.type(`reject ${id} --reason never`))
    assert.equal(waited.exit, faultTable.rejected.exit)
    assert.match(waited.stderr, /error: request rq-\w+ was rejected by \S+: never\n {2}nothing was changed/)
    assert.ok(!here.isOverwritten())
  })

  test('with a reason it runs at once', async (t) => {
    const here = await scene(t)
    const said = await here.type(`${here.line} --reason alone --yes`)
    assert.equal(said.exit, 0, said.stderr)
    assert.ok(here.isOverwritten())
  })
})
