import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { Fault } from '../../src/core/faults.ts'
import {
  fileFault,
  freeBytes,
  hasErrno,
  privateFolder,
  removeTree,
  writeDurably,
} from '../../src/sys/files.ts'
import { everythingIn, makeFolder } from '../support/local.ts'

const isRoot = process.getuid?.() === 0
const mayTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0

test('a durable write replaces the whole file, privately, and leaves nothing beside it', async (t) => {
  const folder = await makeFolder(t)
  const path = join(folder, 'note')
  await writeDurably(path, 'first, and longer')
  await writeDurably(path, 'second')
  assert.equal(await readFile(path, 'utf8'), 'second')
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  await writeFile(`${path}.partial`, 'of a crash')
  await writeDurably(path, Buffer.from('third'))
  assert.equal(await readFile(path, 'utf8'), 'third')
  assert.deepEqual(await everythingIn(folder), ['note'])
})

test('a durable write that fails keeps the old content', { skip: !mayTrace && 'needs strace' }, async (t) => {
  const folder = await makeFolder(t)
  const path = join(folder, 'note')
  await writeDurably(path, 'old')
  const source = join(import.meta.dirname, '../../src/sys/files.ts')
  const script = `import { writeDurably } from '${source}'
    await writeDurably('${path}', 'new').catch((error) => console.log(error.code))`
  for (const [call, error, code] of [
    ['fsync', 'EIO', 'disk-failed'],
    ['fsync', 'ENOSPC', 'disk-full'],
    ['rename', 'EIO', 'disk-failed'],
  ] as const) {
    // prettier-ignore
    const inject = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:error=${error}:when=1`]
    const args = [...inject, process.execPath, '--input-type=module-typescript', '-e', script]
    const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
    assert.equal(
      execFileSync('strace', args, { encoding: 'utf8', env }).trim(),
      code,
      `${error} from ${call}`,
    )
    assert.equal(await readFile(path, 'utf8'), 'old')
    assert.deepEqual(await everythingIn(folder), ['note'])
  }
})

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
  await assert.rejects(freeBytes(join(folder, 'none')), { code: 'disk-failed' })
})

test('removing a folder removes its links, not what they lead to', async (t) => {
  const folder = await makeFolder(t)
  await mkdir(join(folder, 'temp/deep'), { recursive: true })
  await writeFile(join(folder, 'precious'), 'x')
  await symlink(folder, join(folder, 'temp/deep/link'))
  await removeTree(join(folder, 'temp'))
  await removeTree(join(folder, 'temp'))
  assert.deepEqual(await everythingIn(folder), ['precious'])
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
