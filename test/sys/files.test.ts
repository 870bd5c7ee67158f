import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Fault } from '../../src/core/faults.ts'
import { fileFault, freeBytes, hasErrno, privateFolder } from '../../src/sys/files.ts'
import { makeFolder } from '../support/local.ts'

const isRoot = process.getuid?.() === 0

test('a private folder is made, or closed when it was open', async (t) => {
  const path = join(await makeFolder(t), 'deep/temp')
  await privateFolder(path)
  assert.equal((await stat(path)).mode & 0o777, 0o700)
  await chmod(path, 0o777)
  await privateFolder(path)
  assert.equal((await stat(path)).mode & 0o777, 0o700)
})

test('a private folder that is a link, a file or somebody else’s is refused', async (t) => {
  const folder = await makeFolder(t)
  await mkdir(join(folder, 'real'))
  await symlink(join(folder, 'real'), join(folder, 'link'))
  await writeFile(join(folder, 'file'), '')
  for (const name of ['link', 'file']) await assert.rejects(privateFolder(join(folder, name)), { code: 'disk-failed' }, name) // prettier-ignore
  if (!isRoot) return t.diagnostic('giving a folder away needs root')
  await chown(join(folder, 'real'), 65534, 65534)
  await assert.rejects(privateFolder(join(folder, 'real')), { code: 'disk-failed', hint: /chown/ })
})

test('the free space of a file system is a plausible number of bytes', async (t) => {
  const folder = await makeFolder(t)
  const free = await freeBytes(folder)
  const shown = Number(
    execFileSync('df', ['-B1', '--output=avail', folder], { encoding: 'utf8' }).split('\n')[1],
  )
  assert.ok(Math.abs(free - shown) < 2 ** 30, `${free} and ${shown}`)
  await assert.rejects(freeBytes(join(folder, 'none')), { code: 'disk-failed', hint: /mounted writable/ })
})

test('file errors are told in our words, also those Node has no name for', () => {
  const unnamed = Object.assign(new Error('x'), {
    code: 'Unknown system error -122',
    errno: -122,
    syscall: 'write',
  })
  assert.ok(hasErrno(unnamed, 'EDQUOT'))
  assert.equal((fileFault(unnamed, 'writing') as Fault).code, 'disk-full')
  const fault = new Fault('busy', 'x')
  assert.equal(fileFault(fault, 'writing'), fault)
  const abort = new Error('cancelled')
  assert.equal(fileFault(abort, 'writing'), abort)
})
