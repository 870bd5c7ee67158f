import { chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../src/core/log.ts'
import { openSftp } from '../../src/storages/sftp/index.ts'
import { settingsOf } from '../../src/storages/sftp/options.ts'
import { createPool } from '../../src/storages/sftp/pool.ts'
import { usualLimits, type Limits } from '../../src/storages/sftp/session.ts'
import type { Storage } from '../../src/storages/storage.ts'
import { hastyClock } from './hasty-clock.ts'
import { makeKey, startSshd, type Sshd } from './sshd.ts'

/** A real OpenSSH server with folders for storages in it. */
export interface SftpServer {
  sshd: Sshd
  /** A fresh folder that is the account's own. */
  folder(): Promise<string>
  /** What a configuration says of a folder on it. */
  options(path: string): Promise<Record<string, unknown>>
  /** @param own options over those of the server */
  open(path: string, own?: { options?: Record<string, unknown>; limits?: Partial<Limits> }): Promise<Storage>
  close(): Promise<void>
}

/** @param rules of its sshd */
export async function startSftp(rules: Parameters<typeof startSshd>[0] = {}): Promise<SftpServer> {
  const sshd = await startSshd(rules)
  const base = await mkdtemp(join(tmpdir(), 'eb-sftp-'))
  const pair = await makeKey(join(base, 'key'))
  await sshd.authorize(pair.publicKey)
  const give = async (path: string): Promise<void> => {
    if (sshd.account) await chown(path, sshd.account.uid, sshd.account.gid)
  }
  await give(base)
  const options = async (path: string): Promise<Record<string, unknown>> => ({
    host: '127.0.0.1',
    port: sshd.port,
    user: sshd.user,
    path,
    private_key_file: pair.path,
    fingerprint: await sshd.fingerprint(),
  })
  let folders = 0
  return {
    sshd,
    options,
    async folder() {
      const path = join(base, `place-${++folders}`)
      await mkdir(path, { mode: 0o700 })
      await give(path)
      return path
    },
    open: async (path, { options: own = {}, limits = {} } = {}) =>
      openSftp(
        'vault',
        createPool(
          settingsOf({ ...(await options(path)), ...own }),
          { clock: hastyClock, log: silentLog },
          { ...usualLimits, idleMs: 200, ...limits },
        ),
      ),
    async close() {
      await sshd.close()
      await rm(base, { recursive: true, force: true })
    },
  }
}
