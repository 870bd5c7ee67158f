import { asFault, Fault } from '../core/faults.ts'
import type { VerifyResult } from '../core/model.ts'
import { listCopies, type Copy } from '../state/catalogue.ts'
import type { Write } from '../state/database.ts'
import type { EngineContext } from './context.ts'
import { reachable } from './copies.ts'
import { notOffered } from './not-offered.ts'
import { tellNotice } from './tell.ts'
import { isAboutBackup, verifyBackup } from './verify.ts'
import { verifyAll } from './verify-all.ts'
import type { Work, WorkResult } from './work.ts'

/** Verifies one backup, or all of a strategy. What is broken is marked, and told with what to restore from instead. */
export async function verifyWork(context: EngineContext, work: Work): Promise<WorkResult> {
  const { backup = '', storage, level = 'V2', keyFile = null } = work.run.params
  if (work.run.params.all) return verifyAll(context, work)
  const place = storage === undefined ? {} : { storage }
  const copies = await listCopies(context.database.read, { id: backup, ...place })
  const { result, isBroken } = await verifyBackup(context, { ...work, copies, level, keyFile }).catch(
    async (error: unknown) => {
      throw await withOthers(context, copies, error)
    },
  )
  return {
    result: { verify: result },
    commit: async (tx) => {
      if (result.warnings)
        await tellOthers(context, tx, { ...result, strategy: work.strategy.name, isBroken })
    },
  }
}

/** The same fault, with what is offered in the place of what was read. */
async function withOthers(
  context: EngineContext,
  [copy, ...more]: readonly Copy[],
  error: unknown,
): Promise<unknown> {
  const fault = asFault(error)
  if (!copy || !isAboutBackup(fault)) return error
  const all = reachable(context, await listCopies(context.database.read, { id: copy.id }))
  if (all.every(({ corrupt }) => corrupt === null)) return error // it was not marked: nothing is known against it
  const good = all.filter(({ corrupt }) => corrupt === null).map(({ storage }) => storage)
  const hint =
    good.length > 0
      ? `nothing is known against the copy in ${good.join(' and ')}, and restores take that one`
      : await notOffered(context.database.read, copy, context.clock.now())
  const isOneOfSeveral = more.length === 0 && all.length > 1
  const text = isOneOfSeveral ? `the copy in ${copy.storage} is not good: ${fault.message}` : fault.message
  return new Fault(fault.code, text, { hint, cause: fault })
}

interface Others {
  strategy: string
  /** Something is known against one of them. */
  isBroken: boolean
}

/** One good copy is left, and people should know that another is not, or that nobody can tell. */
async function tellOthers(
  context: EngineContext,
  tx: Write,
  { backup: id, strategy, storage, warnings = [], isBroken }: VerifyResult & Others,
): Promise<void> {
  await tellNotice(context, tx, {
    key: isBroken ? `copy/${id}` : `copy-away/${id}`,
    strategy,
    title: `${strategy}: a copy of a backup ${isBroken ? 'is not good' : 'could not be verified'}`,
    text: `${id}: ${warnings.join('; ')}. The copy in ${storage} is good, and restores take that one`,
    urgent: isBroken,
  })
}
