import { randomUUID } from 'node:crypto'
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Duplex, Readable, Writable } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import { Fault } from '../core/faults.ts'
import { allowListed } from './environment.ts'
import type { Account } from './accounts.ts'
import { feed, openScanner, type Chunks, type Scanner } from './feed.ts'
import { readLines } from './lines.ts'
import { passedThrough } from './memory.ts'
import { endCall, endLater, letGo, type Call, type Member } from './ending.ts'
import { callVariable, runVariable } from './strays.ts'

/** A program and its arguments; never a shell. Secrets go into `secrets`, or where a tool wants them into `env` or files; never
 * into `argv` (promise 14). */
export interface Command {
  argv: readonly string[]
  /** Added to the allow-listed environment. */
  env?: Record<string, string>
  /** Each is written to a descriptor of its own, the first to 3, the next to 4 …, which then ends. Only this child can read it. */
  secrets?: readonly string[]
  /** How logs and faults call it; absent: by its file's name. */
  name?: string
  /** Whom it runs as, in `/`; absent: as us. Only root may choose. */
  account?: Account
  /** An open folder, handed over as the descriptor after the secrets: a way in where the path to it is closed to the account. */
  folder?: number
  /** Where it runs; absent: where we do. */
  cwd?: string
  /** What asks it to end; absent: TERM. */
  endsBy?: NodeJS.Signals
  started?: (pid: number) => void
  /** It may exit 0 before its input ends: what could not be given to it any more is no failure of whoever wrote it. */
  readsEnough?: true
}

/** Several programs joined by file descriptors: no byte passes through JavaScript between them. */
export interface Joined {
  stages: readonly Command[]
  /** What the first one reads: an open file, a stream pumped by us, or nothing. */
  input: { fd: number } | { stream: Readable | Chunks } | null
  /** Where the last one writes: an open file, a receiver of chunks, one who only looks at each chunk (its bytes are gone when
   * `scan` returns), or a stream (left open, back-pressure kept). null = nowhere. */
  output:
    | { fd: number }
    | { receive: (chunk: Buffer) => void }
    | { scan: (chunk: Buffer) => void }
    | { into: Writable }
    | null
  /** Once a program has exited, nobody is waited for whom it left behind with its output open. */
  leavesOthers?: true
}

export interface Running {
  signal: AbortSignal
  runId: string
  /** Each line on standard error; the program's name first. */
  said: (tool: string, line: string) => void
}

export interface Processes {
  /** Full path of a program on PATH, or null. */
  find(program: string): string | null
  /** Resolves when every stage exited 0.
   * @throws ToolFailure for the stage that failed first · Fault tool-missing · the signal's reason */
  join(joined: Joined, running: Running): Promise<void>
  /** One program, its whole standard output as text (for short answers such as `--version`). */
  output(command: Command, running: Running): Promise<string>
}

/** A program that did not exit 0. */
export class ToolFailure extends Fault {
  readonly tool: string
  readonly exitCode: number | null
  readonly exitSignal: string | null
  /** The last lines it said on standard error, newest last. */
  readonly lastWords: string[]
  constructor(tool: string, exit: { code: number | null; signal: string | null }, lastWords: string[]) {
    const how = exit.signal ? `was ended by ${exit.signal}` : `ended with exit code ${exit.code}`
    const words = lastWords.at(-1)
    super('tool-failed', words ? `${tool} ${how}: ${words}` : `${tool} ${how}`)
    this.tool = tool
    this.exitCode = exit.code
    this.exitSignal = exit.signal
    this.lastWords = lastWords
  }
}

const drainMs = 1_000 // what a program has said is in the pipe when it exits
const keptLines = 20 // enough for any tool's own explanation

/** @param environment the process's own; only harmless variables are passed on to children */
export function createProcesses(environment: NodeJS.ProcessEnv, clock: Clock): Processes {
  const inherited = allowListed(environment)
  const searchPath = (environment.PATH ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter)
  const find = (program: string): string | null =>
    searchPath.map((folder) => join(folder, program)).find(isExecutable) ?? null

  async function joinStages(joined: Joined, running: Running): Promise<void> {
    running.signal.throwIfAborted()
    const scanner = joined.output && 'scan' in joined.output ? await openScanner(joined.output.scan) : null
    const id = randomUUID()
    const own = { [runVariable]: running.runId, [callVariable]: id }
    const children = startAll(
      { ...joined, scanner },
      (command) => ({ ...inherited, ...command.env, ...own }),
      running,
    )
    const over = new AbortController()
    const call: Call = { id, children, scanner, pause: (ms) => clock.sleep(ms, over.signal) }
    const stop = (): void => void endCall(call)
    if (joined.leavesOthers) leaveOthers(children, call)
    running.signal.addEventListener('abort', stop, { once: true })
    if (running.signal.aborted) stop() // while the scanner was opened
    try {
      const first = children.length === joined.stages.length ? children[0]!.process.stdin : null
      const input =
        joined.input && 'stream' in joined.input ? feed(joined.input.stream, first) : Promise.resolve(null)
      const exits = await Promise.all(
        children.map((child) => child.ended.then((failure) => (failure && void endLater(call), failure))),
      )
      await scanner?.ended
      running.signal.throwIfAborted()
      const isContent = joined.stages.at(-1)!.readsEnough && exits.at(-1) === null
      const told = isContent ? exits.map((exit) => (isBrokenPipe(exit) ? null : exit)) : exits
      const failure = (await input) ?? firstCause(told, children)
      if (failure) throw failure
    } finally {
      running.signal.removeEventListener('abort', stop)
      over.abort()
    }
  }

  async function output(command: Command, running: Running): Promise<string> {
    const chunks: Buffer[] = []
    await joinStages(
      { stages: [command], input: null, output: { receive: (chunk) => chunks.push(chunk) } },
      running,
    )
    return Buffer.concat(chunks).toString()
  }

  return { find, join: joinStages, output }
}

interface Child extends Member {
  process: ChildProcess
  /** Resolves once the process and its output have ended: null when it exited 0. */
  ended: Promise<ToolFailure | Fault | null>
}

/** Starts from the last stage to the first, so that each one's standard input exists when its producer is started.
 * Our copies of the pipes between them are closed at once: when a consumer dies its producer gets SIGPIPE.
 * When one cannot be started its producers are not started either; its consumers meet the end of their input. */
function startAll(
  joined: Joined & { scanner: Scanner | null },
  environment: (command: Command) => NodeJS.ProcessEnv,
  running: Running,
): Child[] {
  const children: Child[] = []
  for (const [index, command] of [...joined.stages.entries()].reverse()) {
    const next = children[0]?.process.stdin ?? null
    const stdin =
      index > 0 || (joined.input && 'stream' in joined.input)
        ? 'pipe'
        : joined.input
          ? (joined.input as { fd: number }).fd
          : 'ignore'
    const stdout =
      next ??
      joined.scanner?.theirs ??
      (joined.output ? ('fd' in joined.output ? joined.output.fd : 'pipe') : 'ignore')
    const [program, ...args] = command.argv
    const secrets = command.secrets ?? []
    const further = [...secrets.map(() => 'pipe'), command.folder ?? []].flat()
    const process = spawn(program!, args, {
      stdio: [stdin, stdout, 'pipe', ...further] as StdioOptions,
      env: environment(command),
      detached: true,
      ...(command.cwd !== undefined && { cwd: command.cwd }),
      ...(command.account && { ...command.account, cwd: '/' }),
    })
    if (next) next.destroy()
    else joined.scanner?.theirs.destroy()
    if (!next && joined.output && 'receive' in joined.output) receiveFrom(process, joined.output.receive)
    if (!next && joined.output && 'into' in joined.output) pour(process.stdout, joined.output.into)
    secrets.forEach((secret, index) => whisper(process.stdio[index + 3] as Duplex | null | undefined, secret))
    children.unshift(supervise(process, command, running))
    if (process.pid === undefined) break
    command.started?.(process.pid)
  }
  return children
}

/** On a busy machine what was said may not have been read when the pause is over: two turns of the loop read all of it. Whoever is
 * asked to end is waited for with all that it started. */
function leaveOthers(children: readonly Child[], { pause }: Call): void {
  const leave = async (child: Child): Promise<void> => {
    await pause(drainMs)
    for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
    if (!child.wasTold) letGo(child)
  }
  for (const child of children) child.process.once('exit', () => void leave(child).catch(() => undefined)) // all have ended
}

/** A child that ended before it listened is judged by its exit status. */
function whisper(descriptor: Duplex | null | undefined, secret: string): void {
  descriptor?.on('error', () => undefined)
  descriptor?.resume() // so that it is seen to close
  descriptor?.end(secret)
}

/** How a command is called in logs and faults. */
export function toolOf({ name, argv }: Command): string {
  return name ?? argv[0]!.split('/').at(-1)!
}

function receiveFrom(child: ChildProcess, receive: (chunk: Buffer) => void): void {
  child.stdout?.on('data', (chunk: Buffer) => {
    receive(chunk)
    passedThrough(chunk.length)
  })
}

/** With back-pressure; when the receiver goes away, the program meets a broken pipe. */
function pour(stdout: Readable | null | undefined, into: Writable): void {
  stdout?.pipe(into, { end: false })
  into.once('close', () => stdout?.destroy())
}

function supervise(process: ChildProcess, command: Command, running: Running): Child {
  const tool = toolOf(command)
  const lastWords: string[] = []
  const said = (line: string): void => {
    if (lastWords.push(line) > keptLines) lastWords.shift()
    running.said(tool, line)
  }
  // without a free file descriptor a child has no pipes at all
  const stderr = process.stderr as Readable | undefined
  const lines = stderr ? readLines(stderr, said) : Promise.resolve()
  const { endsBy = 'SIGTERM' } = command
  const child: Child = { endsBy, process, ended: Promise.resolve(null), wasTold: false, alive: true }
  child.ended = new Promise((resolve) => {
    // ENOENT is an 'error' event, not an exit code
    process.once('error', (error: NodeJS.ErrnoException) => {
      child.alive = false
      resolve(startFault(tool, error))
    })
    // not at 'exit': while its output is open, somebody whom it started still lives in its group
    process.once('close', (code, signal) => {
      child.alive = false
      void lines.then(() => resolve(code === 0 ? null : new ToolFailure(tool, { code, signal }, lastWords)))
    })
  })
  return child
}

function startFault(tool: string, error: NodeJS.ErrnoException): Fault {
  if (error.code === 'ENOENT')
    return new Fault('tool-missing', `${tool} is not installed`, {
      hint: `install the package that brings ${tool}`,
    })
  return new Fault('tool-failed', `${tool} could not be started: ${error.message}`, { cause: error })
}

/** The failure to tell: a stage that breaks off spoils the input of those behind it, and is a broken pipe to those before it; so
 * it is the first one that did not merely meet a broken pipe, and was not ended by us. Who was seen to end first says nothing. */
function firstCause(exits: (ToolFailure | Fault | null)[], children: Child[]): Fault | null {
  const own = exits.find((failure, index) => failure && !isBrokenPipe(failure) && !children[index]!.wasTold)
  return own ?? exits.find((failure) => failure !== null) ?? null
}

/** A stage that failed only because whoever read from it had ended; between our stages the pipes are socket pairs, which are reset. */
export function isBrokenPipe(failure: unknown): boolean {
  return (
    failure instanceof ToolFailure &&
    (failure.exitSignal === 'SIGPIPE' ||
      failure.lastWords.some((line) => /broken pipe|connection reset by peer/i.test(line)))
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
