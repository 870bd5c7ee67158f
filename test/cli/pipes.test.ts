import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makePlace } from './typist.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

test('a reader that leaves in the middle of `get` is no error, and nothing stays in the temp folder', async (t) => {
  const place = await makePlace(t)
  const database = new DatabaseSync(join(place.folder, 'shop.db'))
  database.exec('create table blobs as select randomblob(3000000) as blob')
  database.close()
  await place.type('run shop')
  const get = `'${process.execPath}' '${main}' -c '${place.config}' get latest --strategy shop`
  const { stdout, stderr } = await promisify(execFile)('bash', [
    '-c',
    `${get} | head -c 10 | wc -c; echo \${PIPESTATUS[0]}`,
  ])
  assert.deepEqual([stdout, stderr], ['10\n0\n', ''])
  assert.deepEqual(await readdir(join(place.folder, 'tmp')), [])
})
