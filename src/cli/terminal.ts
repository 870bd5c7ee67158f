import { createInterface } from 'node:readline/promises'
import { Writable, type Readable } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { stripVTControlCharacters, styleText } from 'node:util'

/** Where a command is typed and answered; tests hand in their own. */
export interface Terminal {
  stdout: Writable
  stderr: Writable
  /** Standard output is a screen that a person looks at. */
  isScreen: boolean
  /** Progress may be drawn: standard error is a screen. */
  drawsProgress: boolean
  /** A person can be asked. */
  canAsk: boolean
  /** Columns of the screen; null = no limit. */
  width: number | null
  /** Colours are wanted on standard output, and on standard error. */
  colours: { stdout: boolean; stderr: boolean }
  /** The line a person answers; empty for Ctrl-C and the end of input. */
  ask(question: string): Promise<string>
  /** The same without showing what is typed. */
  askSecret(question: string): Promise<string>
  /** Calls back at each Ctrl-C and TERM until the returned function is called. */
  onInterrupt(listener: () => void): () => void
  /** Leaves at once. */
  exit(code: number): void
}

interface ProcessLike {
  stdin: ReadStream | Readable
  stdout: WriteStream | Writable
  stderr: WriteStream | Writable
  on(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  off(signal: 'SIGINT' | 'SIGTERM', listener: () => void): unknown
  exit(code: number): unknown
}

export function openTerminal(from: ProcessLike): Terminal {
  const isScreen = isTty(from.stdout)
  return {
    stdout: from.stdout,
    stderr: from.stderr,
    isScreen,
    drawsProgress: isTty(from.stderr),
    canAsk: isTty(from.stdin) && isTty(from.stderr),
    width: isScreen ? (from.stdout as WriteStream).columns || null : null, // 0 = the screen does not say
    colours: { stdout: hasColours(from.stdout), stderr: hasColours(from.stderr) },
    ask: (question) => askOnce(question, from, from.stderr),
    askSecret: (question) => askHidden(question, from),
    onInterrupt(listener) {
      for (const signal of interrupts) from.on(signal, listener)
      return () => {
        for (const signal of interrupts) from.off(signal, listener)
      }
    },
    exit: (code) => void from.exit(code),
  }
}

const interrupts = ['SIGINT', 'SIGTERM'] as const

/** Text from databases, tools and users without what could steer a screen; line ends stay (promise 15). */
export function harmless(text: string): string {
  return stripVTControlCharacters(text).replaceAll(/[^\P{C}\n\t]/gu, '\uFFFD')
}

export type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold'

export function paint(text: string, colour: Colour | null, wanted: boolean): string {
  return wanted && colour ? styleText(colour, text, { validateStream: false }) : text
}

function isTty(stream: unknown): boolean {
  return (stream as { isTTY?: boolean }).isTTY === true
}

/** Node looks at NO_COLOR and TERM itself. */
function hasColours(stream: unknown): boolean {
  return isTty(stream) && (stream as WriteStream).hasColors()
}

async function askOnce(question: string, from: ProcessLike, output: Writable): Promise<string> {
  // whoever edits the line draws it, which is not wanted where nothing is shown
  const lines = createInterface({ input: from.stdin, output, terminal: isTty(from.stdin) })
  const gone = new AbortController()
  for (const event of ['SIGINT', 'close'] as const) lines.once(event, () => gone.abort())
  try {
    return await lines.question(question, { signal: gone.signal })
  } catch {
    from.stderr.write('\n')
    return '' // Ctrl-C and the end of input are answers too: no
  } finally {
    lines.close()
  }
}

/** The terminal is in raw mode while the line is read: it echoes nothing, and what the reader draws goes nowhere. */
async function askHidden(question: string, from: ProcessLike): Promise<string> {
  from.stderr.write(question)
  const typed = await askOnce('', from, new Writable({ write: (_chunk, _encoding, done) => done() }))
  from.stderr.write('\n')
  return typed
}
