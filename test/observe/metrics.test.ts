import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figuresOf } from '../../src/engine/figures.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { makeWorld, openWorld, person, type World } from '../support/world.ts'

function metricsOf({ context, engine }: World): () => Promise<string> {
  const render = createMetrics({
    watch: (observer) => context.bus.watch(observer),
    figures: async () => figuresOf(context, await engine.strategies()),
    version: '1.2.3',
  })
  return async () => (await render()).text
}

const value = (text: string, metric: string): number | undefined => {
  const line = text.split('\n').find((one) => one.startsWith(`${metric} `))
  return line === undefined ? undefined : Number(line.slice(metric.length))
}

test('runs, bytes, queue and what is owed are measured as they happen', async (t) => {
  const world = await makeWorld(t, {
    strategies: { shop: { schedule: '6h' }, broken: { database_url: 'sqlite:///not/there.db' } },
  })
  const read = metricsOf(world)
  assert.equal(
    value(await read(), 'easy_backup_runs_total{strategy="broken",kind="backup",outcome="failed"}'),
    0,
  )
  const good = await world.backup('shop')
  await world.backup('broken')
  await world.engine.startBackup('shop', { trigger: 'person', actor: person })
  await world.engine.pause(['broken'], null, person)
  const text = await read()
  const figures: [string, number | undefined][] = [
    ['easy_backup_runs_total{strategy="shop",kind="backup",outcome="succeeded"}', 1],
    ['easy_backup_runs_total{strategy="broken",kind="backup",outcome="failed"}', 1],
    ['easy_backup_run_duration_seconds_count{strategy="shop",kind="backup"}', 1],
    ['easy_backup_stored_bytes_total{strategy="shop"}', good.backup!.storedBytes],
    ['easy_backup_raw_bytes_total{strategy="shop"}', good.backup!.rawBytes!],
    ['easy_backup_last_backup_stored_bytes{strategy="shop"}', good.backup!.storedBytes],
    ['easy_backup_failures_in_a_row{strategy="broken"}', 1],
    ['easy_backup_backups{strategy="shop"}', 1],
    ['easy_backup_paused{strategy="broken"}', 1],
    ['easy_backup_overdue{strategy="shop"}', 0],
    ['easy_backup_queue_runs{kind="backup",state="queued"}', 1],
    ['easy_backup_build_info{version="1.2.3"}', 1],
    ['easy_backup_last_success_timestamp_seconds{strategy="broken"}', undefined],
  ]
  for (const [metric, expected] of figures) assert.equal(value(text, metric), expected, metric)
  assert.ok(value(text, 'easy_backup_messages_owed{notifier="recording"}')! > 0)
  assert.ok(
    value(text, 'easy_backup_next_run_timestamp_seconds{strategy="shop"}')! >
      world.context.clock.now() / 1000,
  )
  assert.doesNotMatch(text, new RegExp(RegExp.escape(world.canary)))
  assert.doesNotMatch(text, /not\/there|127\.0\.0\.1/)
})

test('after a restart gauges are right at once, and counters begin again', async (t) => {
  const first = await makeWorld(t)
  await first.backup()
  const before = await metricsOf(first)()
  await first.close()
  const second = await openWorld(first.folder)
  t.after(() => second.close())
  const text = await metricsOf(second)()
  const gauges = ['last_success_timestamp_seconds', 'last_backup_stored_bytes', 'held_bytes', 'backups']
  for (const name of gauges) {
    const metric = `easy_backup_${name}{strategy="shop"}`
    assert.equal(value(text, metric), value(before, metric), metric)
  }
  assert.equal(value(text, 'easy_backup_runs_total{strategy="shop",kind="backup",outcome="succeeded"}'), 0)
})

test('each metric says what it is, and its name has its unit', async (t) => {
  const text = await metricsOf(await makeWorld(t))()
  const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => ({ name: name!, type }))
  assert.ok(names.length > 15)
  for (const { name, type } of names) {
    assert.match(text, new RegExp(`^# HELP ${name} \\w.+$`, 'm'))
    assert.match(name, /^easy_backup_[a-z_]+$/)
    assert.equal(name.endsWith('_total'), type === 'counter', name)
  }
})
