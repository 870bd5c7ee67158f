import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { test } from 'node:test'
import { fastClock } from '../support/fast-clock.ts'
import { catchUp, contentOf, severalPlaces } from '../support/places.ts'
import { makeWorld, makeWorldFolder, person } from '../support/world.ts'

test('what a drill showed lies as a page, too, in a place that got its copy later', async (t) => {
  const folder = await makeWorldFolder(t)
  const places = severalPlaces(folder, ['near', 'far'])
  for (const name of ['near', 'far']) await mkdir(places.dir(name), { recursive: true })
  const clock = fastClock(50)
  const world = await makeWorld(t, { ...places.options, clock })
  places.away.add('far')
  assert.equal((await world.backup()).state, 'degraded')
  const { id } = await world.engine.startDrill('shop', null, { trigger: 'person', actor: person })
  assert.equal((await world.finish(id)).state, 'succeeded')
  places.away.clear()
  clock.jump(3_600_000)
  await catchUp(world)
  const near = await contentOf(places.dir('near'))
  assert.equal(Object.keys(near).filter((key) => /drill-[^/]+\.(json|md)$/.test(key)).length, 2)
  assert.deepEqual(await contentOf(places.dir('far')), near)
})
