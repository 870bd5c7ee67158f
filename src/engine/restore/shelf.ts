import { open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Fault } from '../../core/faults.ts'
import type { ObjectInfo } from '../../storages/storage.ts'
import { hasErrno } from '../../sys/files.ts'
import type { EngineContext } from '../context.ts'
import type { Reader } from '../objects.ts'

/** Where a file named with `--from` lies. */
export interface Shelf {
  reader: Reader
  /** Of the file, or the folder that was named ('' = the reader's root). */
  key: string
  /** As it was named. */
  address: string
}

/** @param from an absolute path or `s3://bucket/key`
 * @throws Fault usage · object-missing */
export async function openShelf(context: EngineContext, from: string): Promise<Shelf> {
  const bucket = /^s3:\/\/([^/]+)\/?(.*)$/s.exec(from)
  if (bucket) return bucketShelf(context, { address: from, bucket: bucket[1]!, key: bucket[2]! })
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(from))
    throw new Fault('usage', '--from takes a path or s3://bucket/key', {
      hint: 'download the file first, and name its path',
    })
  return pathShelf(from)
}

/** A bucket of the configuration is opened as configured; any other with the default chain of credentials. */
function bucketShelf(context: EngineContext, at: { address: string; bucket: string; key: string }): Shelf {
  for (const { name, kind, options } of context.config.storages) {
    const base = (typeof options.base_path === 'string' ? options.base_path : '').replace(/^\/+|\/+$/g, '')
    const inside = base === '' ? at.key : at.key.startsWith(`${base}/`) ? at.key.slice(base.length + 1) : null
    if (kind === 's3' && options.bucket === at.bucket && inside !== null)
      return { reader: context.storages.get(name)!, key: inside, address: at.address }
  }
  return {
    reader: context.openStorage('s3', 'from', { bucket: at.bucket }),
    key: at.key,
    address: at.address,
  }
}

async function pathShelf(path: string): Promise<Shelf> {
  const found = await stat(path).catch((error: unknown) => {
    throw pathFault(path, error)
  })
  if (found.isDirectory()) return { reader: folderReader(path), key: '', address: path }
  if (found.isFile()) return { reader: folderReader(dirname(path)), key: basename(path), address: path }
  throw new Fault('usage', `${path} is neither a file nor a folder`)
}

/** Files below a folder, by whatever names people gave them. */
function folderReader(root: string): Reader {
  const head = async (key: string): Promise<ObjectInfo | null> => {
    const found = await stat(join(root, key)).catch((error: unknown) => {
      if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null
      throw pathFault(join(root, key), error)
    })
    return found?.isFile() ? { key, bytes: found.size, modifiedAt: Math.floor(found.mtimeMs) } : null
  }
  return {
    location: root,
    head,
    async get(key, { range, signal }) {
      const path = join(root, key)
      const handle = await open(path).catch((error: unknown) => {
        throw pathFault(path, error)
      })
      return handle.createReadStream({ ...range, signal })
    },
    async list(prefix) {
      const names = await readdir(join(root, prefix), { recursive: true })
      const found = await Promise.all(names.slice(0, mostFiles).map((name) => head(join(prefix, name))))
      return { objects: found.filter((info) => info !== null), cursor: null }
    },
  }
}

const mostFiles = 10_000 // somebody named their home folder

function pathFault(path: string, error: unknown): Fault {
  if (hasErrno(error, 'ENOENT', 'ENOTDIR'))
    return new Fault('object-missing', `${path} is not there`, {
      hint: 'check the path; beside a running service the file has to be on its machine',
    })
  return new Fault('storage-denied', `${path} cannot be read: ${(error as Error).message}`, { cause: error })
}
