import type { DownloadLink } from '../core/download.ts'
import { Fault } from '../core/faults.ts'
import type { Actor, Artifact } from '../core/model.ts'
import { audit } from '../state/audit.ts'
import type { Copy } from '../state/catalogue.ts'
import type { Storage } from '../storages/storage.ts'
import { findBackup } from './catalogue.ts'
import type { EngineContext } from './context.ts'
import { fromAnyPlace } from './copies.ts'
import type { DownloadAsk } from './facade.ts'
import { wantedFile } from './hand-out.ts'
import { encryptedHow } from './reading-keys.ts'

const expiresMs = 15 * 60_000
const patienceMs = 20_000 // somebody waits for the answer

/** Makes a link for one person, from the first place that gives links and holds the file. Written down before it is given
 * (promise 18); the link itself is in no log and no state. */
export async function makeDownload(
  context: EngineContext,
  { backup, strategy, file }: DownloadAsk,
  actor: Actor,
): Promise<DownloadLink> {
  const { view, copies } = await findBackup(context, backup, strategy)
  const linked = copies.filter(({ storage }) => context.storages.get(storage)?.presign !== undefined)
  if (linked.length === 0) throw noLinks(view.id)
  const signal = AbortSignal.timeout(patienceMs)
  const { value } = await fromAnyPlace(
    context,
    { backup: view.id, copies: linked, signal },
    (copy, storage) => link(context, { copy, storage, file, signal }),
  )
  await context.database.write((tx) =>
    audit(
      tx,
      {
        actor,
        act: 'download',
        strategy: view.strategy,
        subject: view.id,
        planDigest: null,
        reason: null,
        result: 'allowed',
        detail: `a link to ${value.file} in ${value.storage}, until ${new Date(value.expiresAt).toISOString()}`,
        link: null,
      },
      context.clock.now(),
    ),
  )
  return value
}

interface Linking {
  copy: Copy
  storage: Storage
  file: string | null
  signal: AbortSignal
}

async function link(context: EngineContext, { copy, storage, file, signal }: Linking): Promise<DownloadLink> {
  const artifact = wantedFile(copy.manifest, file)
  await mustBeThere(storage, artifact, signal)
  const expiresAt = context.clock.now() + expiresMs
  const filename = `${copy.id}-${artifact.key.split('/').at(-1)}`
  const url = await storage.presign!(artifact.key, { expiresMs, filename }, signal)
  return {
    backup: copy.id,
    strategy: copy.strategy,
    file: filename,
    storage: storage.name,
    bytes: artifact.storedBytes,
    sha256: artifact.sha256,
    ...(copy.manifest.encryption && { encrypted: encryptedHow(copy.manifest.encryption) }),
    url,
    expiresAt,
  }
}

/** A link to nothing would disappoint only when it is too late. */
async function mustBeThere(
  storage: Storage,
  { key, storedBytes }: Artifact,
  signal: AbortSignal,
): Promise<void> {
  const found = await storage.head(key, signal)
  if (found === null) throw new Fault('object-missing', `${key} is not in ${storage.location} any more`)
  if (found.bytes !== storedBytes)
    throw new Fault('object-corrupt', `${key} has ${found.bytes} bytes and should have ${storedBytes}`)
}

function noLinks(backup: string): Fault {
  return new Fault(
    'not-found',
    `${backup} lies only in places that give no links, such as a folder of the host`,
    {
      hint: `on the host, easy-backup get ${backup} > file hands it out, checked on the way`,
    },
  )
}
