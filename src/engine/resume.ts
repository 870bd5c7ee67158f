import type { Run } from '../state/runs.ts'
import { requeueRun } from '../state/results.ts'
import { findRun } from '../state/runs.ts'
import { runFolder, type EngineContext } from './context.ts'
import { tellRun } from './tell.ts'
import { runView } from './views.ts'
import { readWhole, writeWhole } from './whole.ts'

const mostResumes = 3 // a dump whose sending kills the process must not do so for ever

/** Of the runs of dead processes, the backups whose dump is whole and proved: sending it again is all that is left to do. */
export async function resumableRuns(context: EngineContext, dead: readonly Run[]): Promise<Run[]> {
  const resumable: Run[] = []
  for (const run of dead) {
    const isKnown = context.config.strategies.some(({ name }) => name === run.strategy)
    if (run.kind !== 'backup' || run.cancelledBy || !isKnown) continue
    const whole = await readWhole(runFolder(context, run.id))
    if (whole?.run === run.id && whole.resumes < mostResumes) resumable.push(run)
  }
  return resumable
}

/** The run goes on (promise 3): whoever works next takes it, and finds its dump. */
export async function resume(context: EngineContext, { id }: Run): Promise<void> {
  const folder = runFolder(context, id)
  const whole = await readWhole(folder)
  if (whole) await writeWhole(folder, { ...whole, until: null, resumes: whole.resumes + 1 })
  await context.database.write(async (tx) => {
    if (!(await requeueRun(tx, id))) return
    await tellRun(context, tx, await runView(context, (await findRun(tx, id))!, tx))
  })
  context.logs.append(id, 'the service stopped; the dump is whole and is sent again')
}
