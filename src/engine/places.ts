import { createHash } from 'node:crypto'
import { Fault } from '../core/faults.ts'
import { manifestName } from '../core/keys.ts'
import type { Manifest } from '../core/model.ts'
import { objectsOf } from '../core/stored-objects.ts'
import { bytesSpool, type FileSpool } from '../sys/spool.ts'
import { storageOf, type EngineContext } from './context.ts'
import { createPlaced, type Placed, type Placing } from './placed.ts'
import { digestOf, folderOfDump } from './whole.ts'

/** All places of one backup, each on its own: a slow or dead one never stops another. */
export interface Places {
  /** Resolves as soon as one place can take a backup, or one that cannot now may later.
   * @throws Fault of the first when every place refuses for good: then nothing has to be dumped */
  open(): Promise<void>
  /** Sends an artifact everywhere while it grows. */
  send(key: string, spool: FileSpool): void
  /** Length and digest of an artifact: as a place confirmed it, else as read from the spool. */
  digest(key: string): Promise<{ bytes: number; sha256: string }>
  /** The dump has ended. Puts the manifest, the commit, into each place that has all artifacts, and waits until every place has it or gave up. */
  commit(manifest: Manifest): Promise<readonly Placed[]>
  /** Ends what still goes on: what is sent will never be whole. */
  stop(reason: unknown): void
  /** Ends what still goes on, and takes everything back. Never throws. */
  removeAll(reason: unknown): Promise<void>
}

export function createPlaces(context: EngineContext, step: Omit<Placing, 'whole'>): Places {
  const stopped = new AbortController()
  const ended = Promise.withResolvers<void>()
  const spools = new Map<string, FileSpool>()
  const placing = {
    ...step,
    signal: AbortSignal.any([step.signal, stopped.signal]),
    whole: ended.promise,
  }
  const places = step.strategy.storages.map((name) =>
    createPlaced(context, storageOf(context, name), placing),
  )

  async function open(): Promise<void> {
    await Promise.any(places.map((place) => place.opened)).catch(({ errors }: AggregateError) => {
      throw errors[0]
    })
  }

  const digest: Places['digest'] = async (key) => {
    const receipts = places.flatMap((place) => place.receipts().get(key) ?? [])
    const [first] = receipts
    const agree = receipts.every(({ sha256, bytes }) => sha256 === first!.sha256 && bytes === first!.bytes)
    if (first && agree) return first
    const spool = spools.get(key)!
    return { bytes: await spool.size(), sha256: await digestOf(spool, placing) }
  }

  async function commit(manifest: Manifest): Promise<readonly Placed[]> {
    ended.resolve()
    const bytes = Buffer.from(JSON.stringify(manifest, null, 2) + '\n')
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    for (const place of places) {
      place.afterwards(async () => refuseOther(place, manifest))
      place.seal({
        key: folderOfDump(manifest) + manifestName,
        spool: bytesSpool(bytes),
        expected: async () => ({ bytes: bytes.length, sha256 }),
      })
    }
    await Promise.all(places.map((place) => place.settled()))
    await Promise.all(places.filter((place) => place.fault()).map((place) => place.takeBack()))
    return places
  }

  return {
    open,
    send: (key, spool) => {
      spools.set(key, spool)
      const expected = async (): ReturnType<Places['digest']> => (await ended.promise, digest(key))
      for (const place of places) place.send({ key, spool, expected })
    },
    digest,
    commit,
    stop: (reason) => stopped.abort(reason),
    removeAll: async (reason) => {
      stopped.abort(reason)
      await Promise.all(places.map((place) => place.settled().then(() => place.takeBack())))
    },
  }
}

/** What lies there must be what was dumped and proved, before the manifest says so. @throws Fault object-corrupt */
function refuseOther(place: Placed, manifest: Manifest): void {
  for (const { key, sha256, storedBytes } of objectsOf(manifest)) {
    const receipt = place.receipts().get(key)
    if (receipt?.sha256 === sha256 && receipt.bytes === storedBytes) continue
    throw new Fault('object-corrupt', `${place.storage.name} received other bytes than were dumped`, {
      hint: 'check the disk that holds temp_dir',
    })
  }
}
