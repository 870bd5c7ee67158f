import type { Scanner } from './feed.ts'
import { signalCall } from './strays.ts'

/** One program that runs, as far as ending it goes. */
export interface Member {
  endsBy: NodeJS.Signals
  process: { pid?: number | undefined; stdio?: readonly ({ destroy(): unknown } | null | undefined)[] }
  /** We asked it to end. */
  wasTold: boolean
  alive: boolean
}

/** What was started together, and all that it started itself. */
export interface Call {
  /** In the environment of each of them. */
  id: string
  children: readonly Member[]
  scanner: Scanner | null
  /** Rejects when nobody is left: no timer outlives the children. */
  pause: (ms: number) => Promise<void>
}

const graceMs = 5_000 // between TERM and KILL; pg_dump needs well under a second to cancel its query
const killedMs = 1_000 // whoever can be found is gone by then

/** After one stage failed the others end by themselves through their pipes; whoever does not is ended. */
export async function endLater(call: Call): Promise<void> {
  if (await isThereAfter(call, graceMs)) await endCall(call)
}

/** Asks them, and after a while ends them. What one of them put into a session of its own is in no group of theirs, and is found by
 * its environment; whoever is not found either is not waited for: our ends of what it holds open are closed. */
export async function endCall(call: Call): Promise<void> {
  for (const child of call.children) signalGroup(child, child.endsBy)
  signalOthers(call, 'SIGTERM')
  if (!(await isThereAfter(call, graceMs))) return
  for (const child of call.children) signalGroup(child, 'SIGKILL')
  signalOthers(call, 'SIGKILL')
  if (!(await isThereAfter(call, killedMs))) return
  call.children.forEach(letGo)
  call.scanner?.letGo()
}

function isThereAfter({ pause }: Call, ms: number): Promise<boolean> {
  return pause(ms).then(
    () => true,
    () => false,
  )
}

function signalOthers({ id, children }: Call, signal: NodeJS.Signals): void {
  signalCall(id, signal, new Set(children.map(({ process }) => process.pid)))
}

/** Nothing more is read from it or written to it, whoever holds the other end. */
export function letGo({ process }: Member): void {
  for (const stream of process.stdio ?? []) stream?.destroy()
}

function signalGroup(child: Member, signal: NodeJS.Signals): void {
  if (!child.alive || child.process.pid === undefined) return
  child.wasTold = true
  try {
    process.kill(-child.process.pid, signal)
  } catch {
    // it has just ended by itself
  }
}
