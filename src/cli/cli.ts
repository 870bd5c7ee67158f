import { CommanderError, type Command } from 'commander'
import { quoted } from '../commands/words.ts'
import { asFault, Fault, faultFacts, faultTable } from '../core/faults.ts'
import { createProgram } from './program.ts'
import { faultJson, renderFault } from './render.ts'
import { remark, type Session } from './session.ts'
import type { Terminal } from './terminal.ts'
import type { AppDoor } from './app-contract.ts'

export interface Call {
  /** The words after the program's name. */
  argv: readonly string[]
  terminal: Terminal
  /** Loads the composition root, when a command needs it. */
  door: () => Promise<AppDoor>
}

/** Runs one command line.
 * @returns its exit code; never throws */
export async function runCli({ argv, terminal, door }: Call): Promise<number> {
  // A mistyped line is answered in JSON too, before its options were understood.
  const globals = { config: null, json: argv.includes('--json'), verbose: argv.includes('--verbose') }
  const session: Session = { terminal, door, globals }
  let exit = 0
  const program = createProgram(session, (code) => (exit = code))
  try {
    if (argv.length === 0) program.outputHelp()
    else await program.parseAsync([...argv], { from: 'user' })
    return exit
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    const fault = error instanceof CommanderError ? misunderstood(error, { argv, program }) : asFault(error)
    complain(session, fault)
    return faultTable[fault.code].exit
  }
}

function complain(session: Session, fault: Fault): void {
  const { globals, terminal } = session
  if (globals.json) return remark(session, JSON.stringify(faultJson(faultFacts(fault))))
  remark(session, renderFault(faultFacts(fault), terminal.colours.stderr))
  if (globals.verbose && fault.code === 'internal')
    remark(session, String((fault.cause as Error)?.stack ?? fault.stack))
}

interface Typed {
  argv: readonly string[]
  program: Command
}

/** Commander's complaint in the words of ours: what is wrong, then what to do. */
function misunderstood(error: CommanderError, { argv, program }: Typed): Fault {
  const [, text = error.message, near] =
    /^(?:error: )?(.*?)(?:\n\(Did you mean (.*?)\?\))?$/s.exec(error.message) ?? []
  if (error.code === 'commander.help')
    return unfinished(program.commands.find((each) => argv.includes(each.name())))
  return new Fault('usage', text.replaceAll("'", '`'), {
    hint: near
      ? `did you mean \`${near.replace(/^one of /, '').split(',')[0]!}\`?`
      : '`easy-backup help` lists what there is',
  })
}

/** Options alone, or a command of commands without one. */
function unfinished(group: Command | undefined): Fault {
  const name = group?.name()
  return new Fault('usage', name ? `${quoted(name)} needs another word` : 'no command was given', {
    hint: `\`${['easy-backup help', name].filter(Boolean).join(' ')}\` lists them`,
  })
}
