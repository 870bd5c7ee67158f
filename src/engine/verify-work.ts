import { asFault, Fault, type FaultCode } from '../core/faults.ts'
import type { VerifyResult } from '../core/model.ts'
import { listCopies, type Copy } from '../state/catalogue.ts'
import type { Write } from '../state/database.ts'
import type { EngineContext } from './context.ts'
import { notOffered } from './not-offered.ts'
import { tellNotice } from './tell.ts'
import { verifyBackup } from './verify.ts'
import { verifyAll } from './verify-all.ts'
import type { Work, WorkResult } from './work.ts'

/** Verifies one backup, or all of a strategy. What is broken is marked, and told with what to restore from instead. */
export async function verifyWork(context: EngineContext, work: Work): Promise<WorkResult> {
  const { backup, level = 'V2', keyFile = null } = work.run.params
  if (work.run.params.all) return verifyAll(context, work)
  const copies = await listCopies(context.database.read, { id: backup ?? '' })
  const result = await verifyBackup(context, { ...work, copies, level, keyFile }).catch(
    async (error: unknown) => {
      throw await withOthers(context, copies[0], error)
    },
  )
  return {
    result: { verify: result },
    commit: async (tx) => {
      if (result.warnings) await tellBrokenCopy(context, tx, { ...result, strategy: work.strategy.name })
    },
  }
}

export const aboutBackups: readonly FaultCode[] = ['object-corrupt', 'object-missing', 'proof-failed']

/** The same fault, with what is offered in the place of the backup. */
async function withOthers(context: EngineContext, copy: Copy | undefined, error: unknown): Promise<unknown> {
  const fault = asFault(error)
  if (!copy || !aboutBackups.includes(fault.code)) return error
  const now = (await listCopies(context.database.read, { id: copy.id }))[0]
  if (!now || now.corrupt === null) return error // it was not marked: nothing is known against it
  const hint = await notOffered(context.database.read, copy, context.clock.now())
  return new Fault(fault.code, fault.message, { hint, cause: fault })
}

/** One good copy is left, and people should know that another is not. */
async function tellBrokenCopy(
  context: EngineContext,
  tx: Write,
  { backup: id, strategy, storage, warnings = [] }: VerifyResult & { strategy: string },
): Promise<void> {
  await tellNotice(context, tx, {
    key: `copy/${id}`,
    strategy,
    title: `${strategy}: a copy of a backup is not good`,
    text: `${id}: ${warnings.join('; ')}. The copy in ${storage} is good, and restores take that one`,
    urgent: true,
  })
}
