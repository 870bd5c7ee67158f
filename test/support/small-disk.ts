import { execFileSync, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const isRoot = process.getuid?.() === 0
const works = (program: string, ...args: string[]): boolean => spawnSync(program, args).status === 0

/** For tests of disks: `test(title, needMount, …)` is skipped with its reason where it cannot be tried. */
export const needMount = {
  skip:
    isRoot && works('unshare', '-m', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt')
      ? false
      : 'mounting a small disk needs root',
}
export const needTrace = {
  skip: works('strace', '-o', '/dev/null', 'true') ? false : 'failing a system call needs strace',
}

/** A file system of its own, gone after the test. @param size as `mount` takes it, e.g. `2m` */
export async function smallDisk(t: TestContext, size: string): Promise<string> {
  const disk = await mkdtemp(join(tmpdir(), 'easy-backup-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'tmpfs', disk])
  t.after(() => {
    spawnSync('umount', ['-l', disk])
    rmSync(disk, { recursive: true, force: true })
  })
  return disk
}
