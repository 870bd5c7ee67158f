import { checkKey, checkPrefix } from '../../core/keys.ts'
import type { Storage } from '../storage.ts'
import { checkByUse } from './check.ts'

type Operation<Rest extends unknown[], Answer> = (key: string, ...rest: Rest) => Promise<Answer>

/** A storage from what its driver does: no operation sees what is no key or prefix of a key, and doctor tries it by using it.
 * @param refuse throws Fault `usage`; for places that have names of their own */
export function storageOf(driven: Omit<Storage, 'check'>, refuse: (key: string) => void = checkKey): Storage {
  const { abandon, presign, retainUntil } = driven
  function guarded<Rest extends unknown[], Answer>(
    operation: Operation<Rest, Answer>,
  ): Operation<Rest, Answer> {
    return async (key, ...rest) => {
      refuse(key)
      return operation(key, ...rest)
    }
  }
  const storage: Storage = {
    ...driven,
    put: guarded(driven.put),
    get: guarded(driven.get),
    head: guarded(driven.head),
    remove: guarded(driven.remove),
    list: async (prefix, cursor, signal) => {
      checkPrefix(prefix)
      return driven.list(prefix, cursor, signal)
    },
    ...(abandon && { abandon: guarded(abandon) }),
    ...(presign && { presign: guarded(presign) }),
    ...(retainUntil && { retainUntil: guarded(retainUntil) }),
    check: (signal) => checkByUse(storage, signal),
  }
  return storage
}
