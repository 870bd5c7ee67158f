import { Fault } from '../../core/faults.ts'
import { manifestName, parseBackupId } from '../../core/keys.ts'
import type { Artifact, Manifest } from '../../core/model.ts'
import type { ObjectInfo } from '../../storages/storage.ts'
import type { EngineContext } from '../context.ts'
import { readManifestApart } from '../manifest.ts'
import { listAll, readSmall, type Reader } from '../objects.ts'
import { readFront, unknownFormat, type Front, type Unseal } from './front.ts'
import { openShelf, type Shelf } from './shelf.ts'

/** A dump that was named with `--from`. */
export interface FoundFile {
  address: string
  reader: Reader
  /** The object itself. */
  info: ObjectInfo
  /** null: nothing vouches for it; then its digest and contents are unknown. */
  manifest: Manifest | null
  front: Front
  /** Changes when the file does. */
  identity: string
  /** Where bytes, name and manifest disagree. */
  doubts: string[]
}

/** Finds what was named: a dump, a manifest, or a folder with one backup. Nothing is concluded from names.
 * @throws Fault object-missing · object-corrupt (a manifest that was changed, or of another file) · target-invalid · usage */
export async function findFile(
  context: EngineContext,
  { from, unseal, signal }: { from: string; unseal: (of: Manifest | null) => Unseal; signal: AbortSignal },
): Promise<FoundFile> {
  const shelf = await openShelf(context, from)
  const { reader, address } = shelf
  const { key, manifest } = await locate(shelf, signal)
  const info = await reader.head(key, signal)
  if (!info) throw new Fault('object-missing', `${key} is not beside its manifest at ${reader.location}`)
  const front = await readFront(reader, {
    key,
    bytes: info.bytes,
    filters: context.filters,
    unseal: unseal(manifest),
    signal,
  })
  // beside a manifest the digest will say more exactly what is wrong
  if (!manifest && !context.sourceDrivers.some((driver) => driver.sniff(front.raw)))
    throw unknownFormat(address, front)
  return {
    address,
    reader,
    info,
    manifest: manifest && placedAt(manifest, key),
    front,
    identity: [address, key, info.bytes, info.modifiedAt, manifest?.digest ?? ''].join('\n'),
    doubts: [...nameDoubts(context, key, front), ...manifestDoubts(manifest, front)],
  }
}

interface Located {
  key: string
  manifest: Manifest | null
}

async function locate(shelf: Shelf, signal: AbortSignal): Promise<Located> {
  const { reader, key } = shelf
  if (key.endsWith('.json')) return ofManifest(shelf, key, signal)
  const beside = folderOf(key) + manifestName
  if (key !== '' && !key.endsWith('/') && (await reader.head(key, signal)))
    return (await reader.head(beside, signal)) ? ofManifest(shelf, beside, signal) : { key, manifest: null }
  return inFolder(shelf, signal)
}

/** A manifest vouches for what lies beside it, also after both were moved together. */
async function ofManifest(shelf: Shelf, key: string, signal: AbortSignal): Promise<Located> {
  const manifest = readManifestApart(await readSmall(shelf.reader, key, signal), key)
  const folder = `${shelf.reader.location}/${key}`.split('/').at(-2)!
  if (parseBackupId(folder) && folder !== manifest.id)
    throw new Fault('object-corrupt', `the manifest ${key} in the folder of ${folder} is of ${manifest.id}`, {
      hint: 'somebody put another backup in its place; choose another',
    })
  const names = manifest.artifacts.map((artifact) => nameOf(artifact.key))
  const [only, ...more] = names
  if (more.length > 0)
    throw new Fault('target-invalid', `${manifest.id} has ${names.length} files: ${names.join(', ')}`)
  if (shelf.key !== key && shelf.key !== '' && !shelf.key.endsWith('/') && nameOf(shelf.key) !== only)
    throw new Fault(
      'object-corrupt',
      `the ${manifestName} beside ${shelf.address} is of ${manifest.id}, not of this file`,
      {
        hint: 'copy the file into a folder of its own to restore it without a manifest, when you are sure of it',
      },
    )
  return { key: folderOf(key) + only!, manifest }
}

async function inFolder(shelf: Shelf, signal: AbortSignal): Promise<Located> {
  const { reader, address } = shelf
  const prefix = shelf.key === '' || shelf.key.endsWith('/') ? shelf.key : `${shelf.key}/`
  const keys: string[] = []
  for await (const { key } of listAll(reader, prefix, signal)) keys.push(key)
  const manifests = keys.filter((key) => nameOf(key) === manifestName).toSorted()
  if (manifests.length === 1) return ofManifest({ ...shelf, key: prefix }, manifests[0]!, signal)
  if (manifests.length > 1)
    throw new Fault('usage', `${address} holds ${manifests.length} backups`, {
      hint: `name one; the last are ${manifests
        .slice(-3)
        .map((key) => address.replace(/\/?$/, '/') + folderOf(key).slice(prefix.length))
        .join(', ')}`,
    })
  const dumps = keys.filter((key) => !key.endsWith('.json'))
  if (dumps.length === 1) return { key: dumps[0]!, manifest: null }
  throw new Fault(
    dumps.length === 0 ? 'object-missing' : 'usage',
    dumps.length === 0 ? `there is nothing at ${address}` : `${address} holds ${dumps.length} files`,
    { hint: 'name the dump itself, its manifest, or the folder that holds them' },
  )
}

/** The manifest with its object where it lies now. */
function placedAt(manifest: Manifest, key: string): Manifest {
  const artifacts = manifest.artifacts.map((artifact): Artifact => ({ ...artifact, key }))
  const { details } = manifest
  const beside = details && { details: { ...details, key: folderOf(key) + nameOf(details.key) } }
  return { ...manifest, artifacts, ...beside }
}

function nameDoubts(context: EngineContext, key: string, { layers }: Front): string[] {
  const named = context.filters.find(({ extension }) => key.endsWith(extension))
  if (named === undefined || layers.at(-1) === named.kind) return []
  return [`${nameOf(key)} is ${layers.at(-1) ?? 'not compressed'}, whatever its name says`]
}

function manifestDoubts(manifest: Manifest | null, { layers }: Front): string[] {
  const says = manifest?.artifacts[0]?.filters
  if (!says || says.join() === layers.join()) return []
  return [`the manifest says ${words(says)}, the bytes are ${words(layers)}`]
}

const words = (layers: readonly string[]): string => layers.join(' and ') || 'not compressed'
const nameOf = (key: string): string => key.slice(key.lastIndexOf('/') + 1)
const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1)
