import type { Arguments } from '../commands/arguments.ts'
import { commandsFor, read } from '../commands/ask.ts'
import type { Reply } from '../commands/reply.ts'
import { asFault, Fault, faultTable } from '../core/faults.ts'
import { isDecidable } from '../core/request-states.ts'
import type { App } from './app-contract.ts'
import { follow } from './follow.ts'
import { confirmDeletions } from './prune.ts'
import { linkRemark, renderReply, replyJson } from './render.ts'
import { confirmAndFollow, refuseBlocked, showPlan } from './restore.ts'
import { readPiped } from './piped.ts'
import { lookOf, remark, say, sayJson, withApp, type Session } from './session.ts'
import { harmless } from './terminal.ts'

/** What only the command line knows of a call: `--wait` and `--yes`. */
export interface Manner {
  wait: boolean
  yes: boolean
}

/** Commands whose run is watched to its end. */
const watched = ['run', 'verify', 'drill', 'approve']
/** Commands whose plan is confirmed here. */
const confirmed = ['restore', 'clone', 'confirm', 'prune']

/** Asks the program one thing and shows the answer.
 * @returns the exit code */
export function answer(
  session: Session,
  asked: { name: string; args: Arguments },
  manner: Manner,
): Promise<number> {
  read(asked, commandsFor('cli')) // a mistake is told before anything is opened
  if (asked.name === 'get' && session.terminal.isScreen)
    throw new Fault('usage', 'a backup is binary and would garble the screen', {
      hint: `write it to a file: easy-backup get … > file`,
    })
  // on the bad day there may be nothing but a file and a server
  const bare = asked.name === 'restore' && asked.args.from !== undefined
  return withApp(session, { role: 'command', bare }, async (app) => {
    const { name } = asked
    const piped = await lentKey(app, asked.args.keyFile)
    const wait = manner.wait || piped !== null // it is there for as long as we are
    const work = async (args: Arguments): Promise<number> => {
      if (!isAnswerable(session, { name, args, manner })) await refuseUnanswerable(app, { name, args })
      const reply = await app.ask({ name, args }, app.person)
      return show(session, app, { reply, name, manner: { ...manner, wait } })
    }
    return withPassphrase(session, app, { args: { ...asked.args, ...piped }, work })
  })
}

/** Could somebody answer the question that follows, if one does? */
function isAnswerable(
  { terminal, globals }: Session,
  { name, args, manner }: { name: string; args: Arguments; manner: Manner },
): boolean {
  if (!confirmed.includes(name) || args.dryRun === true || manner.yes) return true
  return terminal.canAsk && !globals.json
}

/** Before anything is filed. What is wrong with what was asked for is said first: looking at it tells.
 * @throws Fault usage, and what asking for it throws */
async function refuseUnanswerable(
  app: App,
  { name, args: { version: _version, ...args } }: { name: string; args: Arguments },
): Promise<void> {
  const isFiled = name === 'confirm'
  const look = isFiled ? args : { ...args, dryRun: true }
  const reply = await app.ask({ name, args: look }, app.person)
  if (reply.type === 'plan') {
    if (!isDecidable(reply.request.state)) return // nothing is asked about it any more: going on tells why
    if (reply.request.kind === 'restore') refuseBlocked(reply.request)
  }
  throw new Fault('usage', `\`${name}\` asks for a confirmation, and nobody can be asked here`, {
    hint: `add --yes to confirm the plan as it is made${isFiled ? '' : ', or --dry-run to see it'}`,
  })
}

/** @returns null for an ordinary file, and for none */
async function lentKey(app: App, keyFile: unknown): Promise<{ keyFile: string } | null> {
  const bytes = typeof keyFile === 'string' ? await readPiped(keyFile) : null
  return bytes && { keyFile: await app.lend(bytes) }
}

/** Reads an encrypted backup with a passphrase that only a person knows: nothing was done before it was missed. */
async function withPassphrase(
  session: Session,
  app: App,
  { args, work }: { args: Arguments; work: (args: Arguments) => Promise<number> },
): Promise<number> {
  try {
    return await work(args)
  } catch (error) {
    if (asFault(error).code !== 'passphrase-missing' || !session.terminal.canAsk) throw error
    remark(session, asFault(error).message)
    const passphrase = await session.terminal.askSecret('Passphrase: ')
    if (passphrase === '') throw error
    return work({ ...args, keyFile: await app.lend(passphrase) })
  }
}

async function show(
  session: Session,
  app: App,
  { reply, name, manner }: { reply: Reply; name: string; manner: Manner },
): Promise<number> {
  if (reply.type === 'stream') return send(session, reply)
  if (confirmed.includes(name)) {
    const exit = await decide(session, app, { reply, yes: manner.yes })
    if (exit !== null) return exit
  }
  const runs = reply.type === 'run' ? [reply.run] : reply.type === 'runs' ? reply.runs : []
  // Beside a service the work goes on without us; alone, we are the ones who do it.
  if (runs.length > 0 && watched.includes(name) && (manner.wait || !app.besideService))
    return follow(session, app, runs)
  if (session.globals.json) sayJson(session, replyJson(reply))
  else if (reply.type === 'link') {
    const look = lookOf(session, app.clock)
    say(session, renderReply(reply, look))
    remark(session, linkRemark(reply.link, { ...look, colours: session.terminal.colours.stderr }))
  } else say(session, renderReply(reply, lookOf(session, app.clock)))
  return reply.type === 'facts' && reply.fault ? faultTable[reply.fault].exit : 0
}

/** @returns null when the reply asks for nothing */
async function decide(
  session: Session,
  app: App,
  { reply, yes }: { reply: Reply; yes: boolean },
): Promise<number | null> {
  if (reply.type === 'questions') return confirmDeletions(session, app, { ...reply, yes })
  if (reply.type !== 'plan') return null
  const { request } = reply
  if (request.kind === 'prune') return confirmDeletions(session, app, { requests: [request], notes: [], yes })
  if (request.kind !== 'restore') return null
  return reply.dryRun ? showPlan(session, app, request) : confirmAndFollow(session, app, { request, yes })
}

async function send(session: Session, reply: Extract<Reply, { type: 'stream' }>): Promise<number> {
  const stop = new AbortController()
  const release = session.terminal.onInterrupt(() => stop.abort(new Fault('cancelled', 'stopped by Ctrl-C')))
  try {
    for (const said of await reply.open(session.terminal.stdout, stop.signal)) remark(session, harmless(said))
    return 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
    return 0 // whoever reads has seen enough
  } finally {
    release()
  }
}
