import { asFault, Fault, type FaultCode } from '../core/faults.ts'
import { manifestName } from '../core/keys.ts'
import type { Copy } from '../state/catalogue.ts'
import type { Storage } from '../storages/storage.ts'
import { storageOf, type EngineContext } from './context.ts'
import { readManifest } from './manifest.ts'
import { requireKnown } from './marker.ts'
import { readSmall, readTwice } from './objects.ts'

export interface FromAPlace<T> {
  value: T
  copy: Copy
  /** One line for each copy that could not be used, as people read it. */
  passedOver: string[]
}

/** What says something about one copy or its place only: another place may still hold a good one. */
const ofOnePlace: readonly FaultCode[] = [
  'object-corrupt',
  'object-missing',
  'proof-failed',
  'storage-missing',
  'storage-denied',
  'storage-unreachable',
]

/** Does something with the first copy that lets it be done, place after place; broken and absent ones are passed over, and named.
 * @throws the first copy's fault when none can be used */
export async function fromAnyPlace<T>(
  context: EngineContext,
  from: { backup: string; copies: readonly Copy[]; signal: AbortSignal },
  use: (copy: Copy, storage: Storage) => Promise<T>,
): Promise<FromAPlace<T>> {
  const known = reachable(context, from.copies)
  const passedOver = known.flatMap(({ storage, corrupt }) =>
    corrupt === null ? [] : [`the copy in ${storage} is broken: ${corrupt}`],
  )
  let first: Fault | null = null
  for (const copy of known.filter(({ corrupt }) => corrupt === null)) {
    try {
      const storage = storageOf(context, copy.storage)
      await requireKnown(storage, from.signal)
      return { value: await use(copy, storage), copy, passedOver }
    } catch (error) {
      const fault = asFault(error)
      if (from.signal.aborted || !ofOnePlace.includes(fault.code)) throw error
      first ??= fault
      passedOver.push(`the copy in ${copy.storage} could not be used: ${fault.message}`)
    }
  }
  throw none(from.backup, first, passedOver)
}

/** The manifest beside a copy is still the one that the catalogue knows: who changes what is stored may have changed more.
 * @throws Fault object-corrupt · object-missing · storage-… */
export async function checkManifest(storage: Storage, copy: Copy, signal: AbortSignal): Promise<void> {
  const { key } = copy.manifest.artifacts[0]!
  const beside = key.slice(0, key.lastIndexOf('/') + 1) + manifestName
  await readTwice(
    async () => {
      const { digest } = readManifest(await readSmall(storage, beside, signal), beside)
      if (digest === copy.manifest.digest) return
      throw new Fault(
        'object-corrupt',
        `the manifest ${beside} is not the one that was written with the backup`,
      )
    },
    () => undefined,
  )
}

/** In the order of the configuration. */
export function reachable(context: EngineContext, copies: readonly Copy[]): Copy[] {
  const order = [...context.storages.keys()]
  return copies
    .filter(({ storage }) => context.storages.has(storage))
    .toSorted((a, b) => order.indexOf(a.storage) - order.indexOf(b.storage))
}

function none(backup: string, first: Fault | null, passedOver: string[]): Fault {
  const hint = '`list` shows which backups are good'
  if (!first) return new Fault('object-corrupt', `no good copy of ${backup} is left`, { hint })
  if (passedOver.length === 1) return first
  const text = `no copy of ${backup} can be used: ${passedOver.join('; ')}`
  return new Fault(first.code, text, { hint: first.hint ?? hint, cause: first })
}
