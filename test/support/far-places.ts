import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { startAzurite } from './azurite.ts'
import { startGcs } from './gcs/server.ts'
import { everythingIn, makeFolder } from './local.ts'
import { startSftp } from './sftp.ts'
import { startWeir, type Weir } from './weir.ts'

/** A place behind a weir, as a configuration names it. */
export interface FarPlace {
  weir: Weir
  settings: Record<string, unknown>
  /** All that lies there, unfinished uploads included. */
  everything(): Promise<string[]>
  /** Whether an upload has begun and is not over. */
  isUploading(): Promise<boolean>
}

export type FarKind = 'azure' | 'gcs' | 'sftp'

export const farKinds: readonly FarKind[] = ['azure', 'gcs', 'sftp']

/** A server of the kind with one fresh place in it; all of it ends with the test. */
export function makeFarPlace(t: TestContext, kind: FarKind): Promise<FarPlace> {
  return { azure: makeAzure, gcs: makeGcs, sftp: makeSftp }[kind](t)
}

async function weirTo(t: TestContext, port: number): Promise<Weir> {
  const weir = await startWeir(port)
  t.after(() => weir.close())
  return weir
}

async function makeAzure(t: TestContext): Promise<FarPlace> {
  const server = await startAzurite()
  const weir = await weirTo(t, Number(new URL(server.endpoint).port))
  t.after(() => server.close())
  const container = await server.container()
  const names = (unfinished: boolean): Promise<string[]> => server.names(container, unfinished)
  const endpoint = `http://127.0.0.1:${weir.port}/${server.account}`
  return {
    weir,
    settings: { type: 'azure', ...server.options(container, { endpoint, base_path: 'backups' }) },
    everything: () => names(true),
    isUploading: async () => (await names(true)).length > (await names(false)).length,
  }
}

async function makeGcs(t: TestContext): Promise<FarPlace> {
  const server = await startGcs()
  const weir = await weirTo(t, Number(new URL(server.endpoint).port))
  t.after(() => server.close())
  const keyFile = join(await makeFolder(t), 'key.json')
  await writeFile(keyFile, JSON.stringify(server.keyFile()), { mode: 0o600 })
  const endpoint = `http://127.0.0.1:${weir.port}`
  return {
    weir,
    settings: { type: 'gcs', bucket: server.bucket, endpoint, key_file: keyFile, base_path: 'backups' },
    everything: async () => [...server.store.objects.keys(), ...server.openUploads()],
    isUploading: async () => server.openUploads().length > 0,
  }
}

async function makeSftp(t: TestContext): Promise<FarPlace> {
  const server = await startSftp()
  const weir = await weirTo(t, server.sshd.port)
  t.after(() => server.close())
  const folder = await server.folder()
  const everything = (): Promise<string[]> => everythingIn(folder)
  return {
    weir,
    settings: { type: 'sftp', ...(await server.options(folder)), port: weir.port },
    everything,
    isUploading: async () => (await everything()).some((name) => name.startsWith('.partial-')),
  }
}
