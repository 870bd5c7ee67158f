import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { watchRoom } from '../../../../src/sources/postgres/directory/room.ts'
import { hasErrno } from '../../../../src/sys/files.ts'
import { systemClock } from '../../../../src/sys/clock.ts'
import { needMount, smallDisk } from '../../../support/small-disk.ts'

test(
  'a dump fails as on a full disk while there is still a little room, and says why',
  needMount,
  async (t) => {
    const folder = await smallDisk(t, '20m')
    const said: string[] = []
    const watch = {
      clock: systemClock,
      said: (tool: string, line: string) => void said.push(`${tool}: ${line}`),
    }
    const over = new AbortController()
    const failures: unknown[] = []
    const fail = (error: unknown): void => void failures.push(error)
    const watched = watchRoom(watch, { folder, fail }, over.signal)
    await systemClock.sleep(500) // two looks, with plenty of room
    assert.deepEqual(failures, [])
    await writeFile(join(folder, 'table'), Buffer.alloc(20_300_000))
    await watched
    assert.equal(failures.length, 1)
    assert.ok(hasErrno(failures[0], 'ENOSPC'))
    assert.match(said.join(), /options\.jobs needs room/)
  },
)

test('the watch over the room ends with the dump', needMount, async (t) => {
  const folder = await smallDisk(t, '1m')
  const over = new AbortController()
  const failures: unknown[] = []
  const watch = { clock: systemClock, said: () => undefined }
  const watched = watchRoom(watch, { folder, fail: (error) => void failures.push(error) }, over.signal)
  over.abort(new Error('the dump is over'))
  await watched
  assert.deepEqual(failures, [])
})
