import { Fault } from '../core/faults.ts'
import { markerKey } from '../core/keys.ts'
import { recall, remember } from '../state/memory.ts'
import type { Storage } from '../storages/storage.ts'
import { bytesSpool } from '../sys/spool.ts'
import type { EngineContext } from './context.ts'
import { readSmall } from './objects.ts'

/** What the marker at the root of each storage holds. */
export interface Marker {
  tool: 'easy-backup'
  installation: string
  createdAt: string
}

/** The marker says that this place is the one we know: a disk that is not mounted has none.
 * The first backup into a place writes it. Credentials that only write cannot look: then its name being taken is all that is asked.
 * @throws Fault storage-missing */
export async function requireMarker(
  context: EngineContext,
  storage: Storage,
  signal: AbortSignal,
): Promise<void> {
  const known = knownKey(storage)
  const found = await readMarker(storage, signal).catch(unlessDenied)
  const wasThere = (await recall(context.database.read, known)) !== null
  if (found === 'not for us to read' && wasThere) return
  if (found === null && wasThere)
    throw new Fault(
      'storage-missing',
      `${storage.location} is there but ${markerKey} in it is gone: another disk, or one that is not mounted`,
      {
        hint: `mount it; if the place was emptied on purpose, put back ${markerKey} or give the storage a new path`,
      },
    )
  if (found === null || found === 'not for us to read') await writeMarker(context, storage, signal)
  const installation = typeof found === 'object' && found ? found.installation : context.installation
  if (!wasThere) await context.database.write((tx) => remember(tx, known, installation))
}

function unlessDenied(error: unknown): 'not for us to read' {
  if (error instanceof Fault && error.code === 'storage-denied') return 'not for us to read'
  throw error
}

async function writeMarker(context: EngineContext, storage: Storage, signal: AbortSignal): Promise<void> {
  const marker: Marker = {
    tool: 'easy-backup',
    installation: context.installation,
    createdAt: new Date(context.clock.now()).toISOString(),
  }
  const bytes = Buffer.from(JSON.stringify(marker, null, 2) + '\n')
  await storage.put(markerKey, bytesSpool(bytes), { ifAbsent: true, signal }).catch((error: unknown) => {
    if (!(error instanceof Fault && error.code === 'storage-exists')) throw error // somebody was faster
  })
}

/** For health: the place answers, and shows its marker if it ever had one. */
export async function isInPlace(
  context: EngineContext,
  storage: Storage,
  signal: AbortSignal,
): Promise<boolean> {
  const found = await storage.head(markerKey, signal)
  return found !== null || (await recall(context.database.read, knownKey(storage))) === null
}

const knownKey = (storage: Storage): string => `marker/${storage.name}/${storage.location}`

/** Before anything is concluded from what a place does not hold: it must be the place we know.
 * @throws Fault storage-missing */
export async function requireKnown(storage: Storage, signal: AbortSignal): Promise<Marker> {
  const marker = await readMarker(storage, signal)
  if (marker) return marker
  throw new Fault(
    'storage-missing',
    `${storage.location} holds no ${markerKey}: nothing was backed up there, or another disk is mounted`,
    {
      hint: 'mount the disk with the backups',
    },
  )
}

export async function readMarker(storage: Storage, signal: AbortSignal): Promise<Marker | null> {
  const info = await storage.head(markerKey, signal)
  if (!info) return null
  try {
    const marker = JSON.parse(await readSmall(storage, markerKey, signal)) as Partial<Marker> | null
    if (typeof marker?.installation === 'string') return marker as Marker
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new Fault('object-corrupt', `${markerKey} in ${storage.location} is not what was written`, {
    hint: 'remove it only when you are sure that this is the right place',
  })
}
