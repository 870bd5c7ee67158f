import { mkdtemp, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import type { TestContext } from 'node:test'
import { silentLog } from '../../src/core/log.ts'
import { local } from '../../src/storages/local/index.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { systemClock } from '../../src/sys/clock.ts'
import { removeLast } from './ended.ts'

/** A folder that is gone after the test and all that it ends. */
export async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'easy-backup-test-'))
  removeLast(t, folder)
  return folder
}

/** A local storage in a fresh folder, or in the folder given. */
export async function makeLocal(t: TestContext, path?: string): Promise<Storage> {
  return local.open('nas', { path: path ?? (await makeFolder(t)) }, { clock: systemClock, log: silentLog })
}

/** Every file and every empty folder below a folder, in order; hidden ones too. */
export async function everythingIn(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const paths = entries.map((entry) => relative(root, join(entry.parentPath, entry.name)))
  return paths.filter((path) => !paths.some((other) => other.startsWith(`${path}/`))).toSorted()
}
