import type { Strategy } from '../core/config.ts'
import { formatDuration } from '../core/duration.ts'
import { asFault, Fault } from '../core/faults.ts'
import { manifestName } from '../core/keys.ts'
import type { Artifact } from '../core/model.ts'
import type { Run } from '../state/runs.ts'
import { forgetUploads, noteUpload } from '../state/uploads.ts'
import type { Receipt, Storage } from '../storages/storage.ts'
import type { Spool } from '../sys/spool.ts'
import type { EngineContext } from './context.ts'
import { requireKnown, requireMarker } from './marker.ts'
import { fetchVerified, readTwice } from './objects.ts'
import { change } from './progress.ts'
import type { Pulse } from './pulse.ts'
import { limitPut } from './put-limit.ts'
import { backoff, makeRoom } from './retries.ts'
import { takeBackFrom } from './take-back.ts'
import { asDiskFault } from './temp-room.ts'

/** What goes into places: an object, and what must lie there in the end. */
export interface Sent {
  key: string
  spool: Spool
  /** Length and digest of the whole spool; asked for only when the object is there already. */
  expected: () => Promise<{ bytes: number; sha256: string }>
}

export interface Placing {
  run: Run
  strategy: Strategy
  pulse: Pulse
  signal: AbortSignal
  /** Resolves when the dump has ended; a last try is not wasted on half of it. */
  whole: Promise<void>
  /** An earlier process or run may have put some of it already. */
  isAgain: boolean
}

/** One place's own way with a backup: what it is sent, it takes one after the other, each tried again as `retry` says. */
export interface Placed {
  readonly storage: Storage
  /** Resolves when it can take a backup, or cannot now and may later. @throws Fault when it refuses for good */
  readonly opened: Promise<void>
  /** Why this place does not take the backup; null while nothing is against it. */
  fault(): Fault | null
  /** Puts an object as soon as all before it are there. */
  send(object: Sent): void
  /** Sends the last object, the commit, and looks whether all of it lies in the place that was opened. */
  seal(object: Sent): void
  /** Does something after all that was sent; what it throws is the place's fault. */
  afterwards(work: () => Promise<void>): void
  receipts(): ReadonlyMap<string, Receipt>
  /** Everything that was sent is there, or the place has given up. Never throws. */
  settled(): Promise<void>
  /** Removes what was put here; without a manifest it was never a backup. Never throws. */
  takeBack(): Promise<void>
}

export function createPlaced(context: EngineContext, storage: Storage, step: Placing): Placed {
  const ours = new Set<string>() // keys whose object may be of us, in the order they were begun
  const receipts = new Map<string, Receipt>()
  const tries = createTries(context, storage, step)
  let fault: Fault | null = null
  let tail = Promise.resolve()

  function afterwards(work: () => Promise<void>): void {
    tail = tail.then(async () => {
      if (fault) return
      await tries.persist(work).catch((error: unknown) => {
        fault = asFault(step.signal.aborted ? step.signal.reason : error)
      })
    })
  }

  async function putOnce(object: Sent): Promise<void> {
    const { key } = object
    const wasTried = ours.has(key) // however often a look at it fails, it stays ours
    ours.add(key)
    try {
      receipts.set(key, await put(context, storage, { ...step, object }))
    } catch (error) {
      if (asFault(error).code !== 'storage-exists') throw error
      if (!wasTried) ours.delete(key) // what nobody has looked at yet is not ours to take back
      if (!wasTried && !step.isAgain) throw error
      receipts.set(key, await confirmed(object))
      ours.add(key)
    }
  }

  async function confirmed(object: Sent): Promise<Receipt> {
    try {
      return await confirm(context, storage, { ...step, object })
    } catch (error) {
      if (asFault(error).code === 'storage-exists') {
        ours.delete(object.key)
        if (object.key.endsWith(`/${manifestName}`)) ours.clear() // what lies below somebody else's manifest is theirs
      }
      throw error
    }
  }

  async function takeBack(): Promise<void> {
    const keys = [...ours]
    ours.clear()
    await takeBackFrom(context, storage, { keys, isAgain: step.isAgain })
  }

  const opened = Promise.withResolvers<void>()
  opened.promise.catch(() => undefined) // whoever asks hears it
  afterwards(async () => {
    try {
      await requireMarker(context, storage, step.signal)
      opened.resolve()
    } catch (error) {
      if (asFault(error).retry) opened.resolve()
      else opened.reject(error)
      throw error
    }
  })
  return {
    storage,
    opened: opened.promise,
    fault: () => fault,
    send: (object) => afterwards(() => putOnce(object)),
    seal: (object) => {
      afterwards(() => putOnce(object))
      afterwards(() => requireAll(storage, receipts, step.signal))
    },
    afterwards,
    receipts: () => receipts,
    settled: () => tail,
    takeBack,
  }
}

/** One put, watched on its own: a place that hangs stops only itself. */
async function put(
  context: EngineContext,
  storage: Storage,
  { object, run, strategy, pulse, signal, whole }: Placing & { object: Sent },
): Promise<Receipt> {
  const { key, spool } = object
  const limit = limitPut(context, { strategy, storage: storage.name, spool, whole })
  const at = { storage: storage.name, key, run: run.id }
  try {
    return await storage.put(key, spool, {
      ifAbsent: true,
      signal: AbortSignal.any([signal, limit.signal]),
      onUpload: (upload) =>
        context.database.write((tx) =>
          upload === null ? forgetUploads(tx, at) : noteUpload(tx, { ...at, upload }, context.clock.now()),
        ),
      onState: (bytes) => {
        limit.moved(bytes)
        pulse.moved(`upload:${storage.name}`, bytes)
      },
    })
  } catch (error) {
    throw limit.signal.aborted && !signal.aborted ? (limit.signal.reason as Error) : error
  } finally {
    limit.stop()
  }
}

/** A disk that is unmounted while a backup is written leaves it in the empty folder below, where nobody will find it.
 * @throws Fault storage-missing */
async function requireAll(
  storage: Storage,
  receipts: ReadonlyMap<string, Receipt>,
  signal: AbortSignal,
): Promise<void> {
  try {
    await requireKnown(storage, signal)
    for (const [key, { bytes }] of receipts) {
      if ((await storage.head(key, signal))?.bytes === bytes) continue
      throw new Fault(
        'storage-missing',
        `${storage.location} does not hold ${key}, which was just put there`,
        {
          hint: 'another disk was mounted or unmounted meanwhile, or something else removes objects there',
        },
      )
    }
  } catch (error) {
    if (asFault(error).code !== 'storage-denied') throw error // credentials that only write: the put was confirmed
  }
}

/** An object that is there already and is what we send was put by us before: an answer was lost, or a process died.
 * @throws Fault storage-exists when it is anything else */
async function confirm(
  context: EngineContext,
  storage: Storage,
  { object: { key, expected }, run, signal }: Pick<Placing, 'run' | 'signal'> & { object: Sent },
): Promise<Receipt> {
  const { bytes, sha256 } = await expected()
  const wanted: Artifact = { name: key, key, rawBytes: null, storedBytes: bytes, sha256, filters: [] }
  const read = (): Promise<void> =>
    fetchVerified(storage, wanted, { into: null, onBytes: () => undefined, signal })
  try {
    await readTwice(read, (line) => context.logs.append(run.id, `${storage.name}: ${line}`))
    return { bytes, sha256 }
  } catch (error) {
    if (asFault(error).code !== 'object-corrupt') throw error
    throw new Fault('storage-exists', `${key} is already stored and is something else`, { cause: error })
  }
}

/** Tries of one place, counted over all its objects. */
function createTries(context: EngineContext, storage: Storage, step: Placing) {
  const { run, strategy, signal } = step
  const { maxAttempts } = strategy.retry
  let tries = 1
  let madeRoom = false

  async function persist(work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work()
      } catch (error) {
        signal.throwIfAborted()
        const { tempDir } = context.config
        const fault = asFault(asDiskFault(error, { tempDir, kind: run.kind }))
        if (fault.code === 'disk-full' && !madeRoom && (await makeRoom(context, step, signal)))
          madeRoom = true
        else if (!fault.retry || tries >= maxAttempts) throw fault
        else await pause(fault)
      }
    }
  }

  async function pause({ code, message }: Fault): Promise<void> {
    const delayMs = backoff(strategy, tries, context.clock.random())
    context.logs.append(
      run.id,
      `${storage.name}: attempt ${tries} of ${maxAttempts} failed: ${message}; the next one starts in ${formatDuration(delayMs)}`,
    )
    context.bus.emit({
      type: 'run.retried',
      run: run.id,
      strategy: run.strategy,
      attempt: tries,
      code,
      delayMs,
    })
    await change(context, run.id, { attempt: Math.max(run.attempt, ++tries) })
    await context.clock.sleep(delayMs, signal)
    if (tries >= maxAttempts) await Promise.race([step.whole, aborted(signal)])
  }

  return { persist }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
  })
}
