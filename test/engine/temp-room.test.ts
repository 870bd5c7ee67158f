import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asFault, Fault } from '../../src/core/faults.ts'
import { asDiskFault, TempFull } from '../../src/engine/temp-room.ts'
import { toolFault } from '../../src/sources/postgres/faults.ts'
import { ToolFailure } from '../../src/sys/process.ts'

const tempDir = '/srv/temp'
const noRoom = Object.assign(new Error('ENOSPC: no space left on device, write'), {
  errno: -28,
  code: 'ENOSPC',
})
const failed = (tool: string, ...words: string[]): ToolFailure =>
  new ToolFailure(tool, { code: 1, signal: null }, words)
const zstd = failed('zstd', 'zstd: error 70 : Write error : cannot write block : No space left on device')
const connection = { database: 'shop' } as Parameters<typeof toolFault>[1]

const ours: [string, unknown][] = [
  ['a file operation', noRoom],
  ['a compressor', zstd],
  [
    'pg_dump and its own output',
    toolFault(
      failed('pg_dump', 'pg_dump: error: could not write to output file: No space left on device'),
      connection,
      'dump-failed',
    ),
  ],
  ['SQLite', new Fault('disk-full', 'shop.db could not be copied, the disk is full', { cause: zstd })],
]
for (const [what, error] of ours)
  test(`temp_dir is full when a backup hears it from ${what}; of a restore it is another disk`, () => {
    assert.ok(asDiskFault(error, { tempDir, kind: 'backup' }) instanceof TempFull)
    const restoring = asDiskFault(error, { tempDir, kind: 'restore' })
    assert.deepEqual([asFault(restoring).code, restoring instanceof TempFull], ['disk-full', false])
  })

const others: [string, unknown, Fault['code']][] = [
  [
    'a server that is restored to',
    toolFault(
      failed(
        'pg_restore',
        'pg_restore: error: could not execute query: ERROR:  could not extend file "base/1/2": No space left on device',
      ),
      connection,
      'restore-failed',
    ),
    'restore-failed',
  ],
  [
    'a server that is dumped',
    toolFault(
      failed(
        'pg_dump',
        'pg_dump: error: query failed: ERROR:  could not write to file "base/pgsql_tmp/1": No space left on device',
      ),
      connection,
      'dump-failed',
    ),
    'dump-failed',
  ],
  [
    'a place',
    new Fault('disk-full', 'storing failed: no space left on the disk', { cause: noRoom }),
    'disk-full',
  ],
]
for (const [what, error, code] of others)
  test(`temp_dir is not full when ${what} is`, () => {
    for (const kind of ['backup', 'restore'] as const) {
      const fault = asDiskFault(error, { tempDir, kind })
      assert.deepEqual([asFault(fault).code, fault instanceof TempFull], [code, false])
    }
  })
