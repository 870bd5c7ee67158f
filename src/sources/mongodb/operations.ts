import type { SessionNeeds } from './session.ts'
import { sessionName, withSession } from './session.ts'
import type { Connection } from './url.ts'

interface Operation {
  opid: unknown
  active?: boolean
  appName?: string
  /** Database, a dot, and what in it. */
  ns?: string
  command?: Record<string, unknown>
}

/** Those of the same user, which need no right to be seen; without this question and what the driver asks by itself. */
async function operationsOf(connection: Connection, needs: SessionNeeds): Promise<Operation[]> {
  return withSession(connection, needs, async ({ admin }) => {
    const { inprog } = (await admin.command({ currentOp: 1, $ownOps: true })) as { inprog: Operation[] }
    return inprog.filter(({ command = {} }) => !ours.some((name) => name in command))
  })
}

const ours = ['currentOp', 'hello', 'isMaster']

/** Does a tool keep the server busy in this database? A collection is read, an index is built. */
export async function isBusy(connection: Connection, needs: SessionNeeds): Promise<boolean> {
  const found = await operationsOf(connection, needs)
  const isTools = (name = ''): boolean => name === 'mongodump' || name === 'mongorestore'
  return found.some(
    ({ active, appName, ns }) =>
      active === true && isTools(appName) && ns?.startsWith(`${connection.database}.`) === true,
  )
}

/** Ends what a dead run's own connections left; what mongodump and mongorestore do ends with them. @returns how many */
export async function endOperations(
  connection: Connection,
  needs: SessionNeeds,
  runId: string,
): Promise<number> {
  const found = (await operationsOf(connection, needs)).filter(
    ({ appName }) => appName === sessionName(runId),
  )
  if (found.length === 0) return 0
  await withSession(connection, needs, async ({ admin }) => {
    for (const { opid } of found) await admin.command({ killOp: 1, op: opid })
  })
  return found.length
}
