import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { diagnose } from '../../src/engine/doctor.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { endStrays, strays } from '../../src/sys/strays.ts'
import { recover } from '../../src/engine/recover.ts'
import { until } from '../support/bot.ts'
import { makeWorld, makeWorldFolder, person, type World } from '../support/world.ts'
import { assertWorld } from '../world.ts'

type Programs = Record<string, string>

/** A strategy whose hooks are small scripts in the folder of the configuration. */
async function hooked(t: TestContext, programs: Programs, hooks: object, more: object = {}): Promise<World> {
  const folder = await makeWorldFolder(t)
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(folder, name), 0o755)
  }
  return makeWorld(t, { folder, strategies: { shop: { hooks, ...more } } })
}

const wrote = (world: World, name: string): string =>
  existsSync(join(world.folder, name)) ? readFileSync(join(world.folder, name), 'utf8') : ''

const note = 'echo "$(basename $0) $*" >> said'
const facts = 'env | sort > "facts.$EASY_BACKUP_HOOK"'

suite('programs around a backup', () => {
  test('run in order in the folder of the file, know the run, and get no credential', async (t) => {
    process.env.HOOKS_TEST_TOKEN = 'not-for-children'
    t.after(() => delete process.env.HOOKS_TEST_TOKEN)
    const world = await hooked(
      t,
      { 'first.sh': `${note}; ${facts}; echo to stdout; echo to stderr >&2`, 'last.sh': `${note}; ${facts}` },
      {
        before: [['./first.sh', 'a b', '$HOME; touch x'], ['./first.sh']],
        after: [['./last.sh']],
        on_failure: [['./last.sh', 'never']],
      },
    )
    const run = await world.backup()
    assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
    assert.deepEqual(run.backup!.warnings, [])
    assert.equal(wrote(world, 'said'), 'first.sh a b $HOME; touch x\nfirst.sh \nlast.sh \n')
    const known = (moment: string): Record<string, string> =>
      Object.fromEntries(
        wrote(world, `facts.${moment}`)
          .trim()
          .split('\n')
          .map((line) => line.split('=', 2)),
      )
    const before = known('before')
    assert.deepEqual(
      [before.EASY_BACKUP_RUN, before.EASY_BACKUP_STRATEGY, before.EASY_BACKUP_DATABASE],
      [run.id, 'shop', 'shop'],
    )
    assert.deepEqual([before.EASY_BACKUP_TRIGGER, before.EASY_BACKUP_ATTEMPT], ['person', '1'])
    const after = known('after')
    assert.equal(after.EASY_BACKUP_OUTCOME, 'succeeded')
    assert.equal(after.EASY_BACKUP_BACKUP, run.backup!.id)
    assert.equal(after.EASY_BACKUP_STORED_BYTES, String(run.backup!.storedBytes))
    assert.equal(after.EASY_BACKUP_PLACES, 'disk')
    assert.ok(!JSON.stringify([before, after]).includes('not-for-children'))
    assert.ok(!JSON.stringify([before, after]).includes(world.canary))
    const log = world.context.logs.read(run.id)
    assert.match(log, /hooks\.before: first\.sh\n.*first\.sh: to st/)
    assert.match(log, /first\.sh: to stdout/)
    assert.match(log, /first\.sh: to stderr/)
  })

  test('a `before` that fails fails each attempt before a byte, and `on_failure` knows why', async (t) => {
    const world = await hooked(
      t,
      { 'no.sh': `${note}; echo "not now" >&2; exit 3`, 'second.sh': note, 'sorry.sh': `${note}; ${facts}` },
      { before: [['./no.sh'], ['./second.sh']], after: [['./second.sh']], on_failure: [['./sorry.sh']] },
      { retry: { max_attempts: 2, delay: '1s' } },
    )
    const run = await world.backup()
    assert.deepEqual([run.state, run.fault?.code, run.attempt], ['failed', 'hook-failed', 2])
    assert.equal(run.fault!.text, 'a hook failed: no.sh ended with exit code 3: not now')
    assert.match(run.fault!.hint!, /hooks\.before/)
    assert.equal(wrote(world, 'said'), 'no.sh \nno.sh \nsorry.sh \n')
    const said = wrote(world, 'facts.on_failure')
    assert.match(said, /^EASY_BACKUP_OUTCOME=failed$/m)
    assert.match(said, /^EASY_BACKUP_ERROR_CODE=hook-failed$/m)
    assert.match(said, /^EASY_BACKUP_ERROR=a hook failed: no\.sh /m)
    assert.match(said, /^EASY_BACKUP_ATTEMPT=2$/m)
    assert.match(world.context.logs.read(run.id), /no\.sh: not now/)
    await assertWorld(world)
  })

  test('a `before` that ended well is not run again by the next attempt', async (t) => {
    const world = await hooked(
      t,
      { 'ready.sh': note, 'over.sh': note },
      { before: [['./ready.sh']], after: [['./over.sh']], on_failure: [['./over.sh', 'failed']] },
      { retry: { max_attempts: 3, delay: '1s' } },
    )
    rmSync(join(world.folder, 'shop.db'))
    writeFileSync(join(world.folder, 'shop.db'), 'no database')
    const run = await world.backup()
    assert.equal(run.state, 'failed')
    assert.equal(wrote(world, 'said'), 'ready.sh \nover.sh failed\n')
  })

  test('an `after` that fails is a warning of a good backup, and the next one still runs', async (t) => {
    const world = await hooked(
      t,
      { 'bad.sh': `${note}; exit 1`, 'good.sh': note },
      { after: [['./bad.sh'], ['./gone.sh'], ['./good.sh']] },
    )
    const run = await world.backup()
    assert.equal(run.state, 'succeeded')
    assert.deepEqual(run.backup!.warnings, [
      'a hook failed: bad.sh ended with exit code 1',
      'a hook failed: gone.sh is not there',
    ])
    assert.equal(wrote(world, 'said'), 'bad.sh \ngood.sh \n')
    await assertWorld(world)
  })

  test('an `on_failure` that fails too is told with the failure', async (t) => {
    const world = await hooked(t, { 'bad.sh': 'exit 1' }, { before: [['false']], on_failure: [['./bad.sh']] })
    const run = await world.backup()
    assert.equal(
      run.fault!.text,
      'a hook failed: false ended with exit code 1; and a hook failed: bad.sh ended with exit code 1',
    )
  })

  test('a program that is no program, or is not there, is told at once and not tried again', async (t) => {
    for (const program of ['./text.sh', './gone.sh', 'no-such-program']) {
      const world = await hooked(t, {}, { before: [[program]] }, { retry: { max_attempts: 3, delay: '1s' } })
      writeFileSync(join(world.folder, 'text.sh'), 'plain text', { mode: 0o644 })
      const run = await world.backup()
      assert.deepEqual([run.state, run.fault?.code, run.attempt], ['failed', 'hook-failed', 1], program)
      assert.match(run.fault!.hint!, /executable/)
    }
  })

  test('one that takes too long is ended with all that it started', async (t) => {
    const world = await hooked(
      t,
      { 'slow.sh': 'sleep 600 & echo $! > child; sleep 600' },
      { before: [['./slow.sh']], timeout: '30s' }, // the clock of this world is fast
    )
    const run = await world.backup()
    assert.equal(run.fault?.text, 'a hook failed: slow.sh took longer than 30 s')
    assert.deepEqual(strays(new Set([run.id])), [])
  })

  test('one that leaves a program behind is over when it exits, and what it said is in the log', async (t) => {
    const leave = `setsid sh -c 'echo $$ > left; while :; do sleep 0.1; done' & echo "well: ${'.'.repeat(3000)}"; exit`
    const world = await hooked(
      t,
      { 'good.sh': `${leave} 0`, 'bad.sh': `${leave} 3` },
      { before: [['./good.sh']], after: [['./bad.sh']], timeout: '10h' },
    )
    const run = await world.backup()
    t.after(() => endStrays(new Set([run.id]), systemClock))
    assert.equal(run.state, 'succeeded', run.fault?.text ?? '')
    assert.deepEqual(run.backup!.warnings, ['a hook failed: bad.sh ended with exit code 3'])
    const log = world.context.logs.read(run.id)
    assert.match(log, /good\.sh: well: \.{3000}\n/)
    assert.match(log, /bad\.sh: well: \.{3000}\n/)
    assert.deepEqual(strays(new Set([run.id])).length > 0, true, 'what it left is left alone')
  })

  test('one that waits for what it put into a session of its own is ended with that', async (t) => {
    const slow = `setsid sh -c 'trap "" TERM; while :; do sleep 0.1; done' & wait`
    const world = await hooked(t, { 'slow.sh': slow }, { before: [['./slow.sh']], timeout: '30s' })
    const run = await world.backup()
    assert.equal(run.fault?.text, 'a hook failed: slow.sh took longer than 30 s')
    await until(() => strays(new Set([run.id])).length === 0, 'it is gone')
  })

  test('cancel stops it, and `on_failure` still tidies up', async (t) => {
    const world = await hooked(
      t,
      { 'slow.sh': 'touch began; sleep 600', 'sorry.sh': facts },
      { before: [['./slow.sh']], on_failure: [['./sorry.sh']], timeout: '10h' },
    )
    const { id } = await world.engine.startBackup('shop', { trigger: 'person', actor: person })
    const ended = world.finish(id)
    await until(() => existsSync(join(world.folder, 'began')), 'it runs')
    await world.engine.cancel(id, person)
    const run = await ended
    assert.equal(run.state, 'cancelled')
    assert.match(wrote(world, 'facts.on_failure'), /^EASY_BACKUP_OUTCOME=cancelled$/m)
    assert.deepEqual(strays(new Set([id])), [])
    await assertWorld(world)
  })

  test('cancel during `after` stops that program; the backup is there and stays good', async (t) => {
    const world = await hooked(
      t,
      { 'slow.sh': 'touch began; sleep 600' },
      { after: [['./slow.sh']], timeout: '10h' },
    )
    const { id } = await world.engine.startBackup('shop', { trigger: 'person', actor: person })
    const ended = world.finish(id)
    await until(() => existsSync(join(world.folder, 'began')), 'it runs')
    await world.engine.cancel(id, person)
    const run = await ended
    assert.equal(run.state, 'succeeded')
    assert.deepEqual(run.backup!.warnings, ['a hook was stopped: slow.sh'])
  })

  test('one that outlives its killed service is found and ended by the next start', async (t) => {
    const hooks = { before: [['./slow.sh']], timeout: '10h' }
    const world = await hooked(t, { 'slow.sh': 'echo $EASY_BACKUP_RUN > began; sleep 600' }, hooks)
    const script = join(import.meta.dirname, '../support/one-hooked-backup.ts')
    const argv = ['--disable-warning=ExperimentalWarning', script, world.folder, JSON.stringify(hooks)]
    const service = spawn(process.execPath, argv, { stdio: 'inherit' })
    const dead = new Promise((resolve) => service.once('exit', resolve))
    t.after(() => service.kill('SIGKILL'))
    await until(() => wrote(world, 'began').endsWith('\n'), 'it runs')
    const id = wrote(world, 'began').trim()
    service.kill('SIGKILL')
    await dead
    assert.ok(strays(new Set([id])).length > 0, 'it lives on')
    assert.deepEqual(await recover(world.context), [id])
    assert.deepEqual(strays(new Set([id])), [])
    assert.equal((await world.engine.run(id)).state, 'interrupted')
    await assertWorld(world)
  })

  test('doctor says which program is not there, and runs none', async (t) => {
    const hooks = {
      before: [['./here.sh'], ['sh']],
      after: [['./gone.sh']],
      on_failure: [['no-such-program']],
    }
    const world = await hooked(t, { 'here.sh': note }, hooks)
    const { checks } = (await diagnose(world.context, 'shop')).find(({ title }) => title === 'hooks')!
    assert.deepEqual(
      checks.map(({ state }) => state),
      ['failed', 'failed'],
    )
    assert.match(checks.map(({ text }) => text).join(), /gone\.sh is not there.*no-such-program is not there/)
    assert.equal(wrote(world, 'said'), '')
  })
})
