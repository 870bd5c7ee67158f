import { Command, Option as CliOption } from 'commander'
import { optionsOf, type Arguments } from '../commands/arguments.ts'
import { commandsFor } from '../commands/ask.ts'
import type { CommandDefinition } from '../commands/command.ts'
import pkg from '../../package.json' with { type: 'json' }
import { answer, type Manner } from './answer.ts'
import { exitCodeLines } from './exit-codes.ts'
import { checkConfig, init, printConfig, serve } from './host.ts'
import { keygen } from './keygen.ts'
import { say, type Session } from './session.ts'

/** The whole command line. Every command of the registry appears with the options of its arguments;
 * only what belongs to the host or to this face is declared here.
 * @param ended  receives the exit code of the command that ran */
export function createProgram(session: Session, ended: (exit: number) => void): Command {
  const program = new Command('easy-backup')
    .description(pkg.description)
    .version(pkg.version)
    .option(
      '-c, --config <file>',
      'configuration file (default: ./easy-backup.yml, then /etc/easy-backup/config.yml)',
    )
    .option('--json', 'answer with JSON; errors too, on standard error')
    .option('--verbose', 'say on standard error what is done')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void session.terminal.stdout.write(text),
      writeErr: () => undefined, // complaints come once, from the one place that prints faults
    })
    .addHelpText(
      'after',
      '\nGlobal options may stand anywhere. `easy-backup help exit-codes` lists what scripts get.',
    )
  program.hook('preAction', () => takeGlobals(program, session))
  addHost(program, session, ended)
  for (const definition of commandsFor('cli')) addCommand(program, definition, { session, ended })
  addHelp(program, session)
  return program
}

interface Wiring {
  session: Session
  ended: (exit: number) => void
}

function takeGlobals(program: Command, session: Session): void {
  const { config, json, verbose } = program.opts<{ config?: string; json?: boolean; verbose?: boolean }>()
  session.globals = { config: config ?? null, json: json ?? false, verbose: verbose ?? false }
}

function addHost(program: Command, session: Session, ended: (exit: number) => void): void {
  const action = (work: (session: Session) => Promise<number>) => async () => ended(await work(session))
  program
    .command('serve')
    .alias('daemon')
    .summary('Run the service: schedules, Slack, HTTP')
    .action(action(serve))
  program.command('init').summary('Write a starter configuration; never over a file').action(action(init))
  program
    .command('keygen <file>')
    .summary('Make a key of age: the private half goes into a new file')
    .action(async (file: string) => ended(await keygen(session, file)))
  const config = program.command('config').summary('Check or print the configuration')
  config.command('check').summary('Every mistake at once, with its position').action(action(checkConfig))
  config.command('print').summary('The configuration as YAML, secrets as ***').action(action(printConfig))
}

function addCommand(program: Command, definition: CommandDefinition, { session, ended }: Wiring): void {
  const face = faces[definition.name] ?? {}
  const command = place(program, definition)
    .aliases([...definition.aliases])
    .summary(definition.summary)
    .description(definition.summary)
    .usage(face.usage ?? definition.usage)
  for (const key of definition.positional) command.argument(`[${key}]`)
  for (const option of cliOptions(definition)) command.addOption(option)
  for (const flag of definition.later ?? []) command.addOption(new CliOption(`--${flag} [value]`).hideHelp())
  if (face.wait) command.option('--wait', 'beside a running service: return when the work has ended')
  if (face.yes) command.option('--yes', 'confirm without being asked')
  command.action(async () => {
    const { args, manner } = taken(command, definition)
    ended(await answer(session, { name: definition.name, args: { ...face.defaults, ...args } }, manner))
  })
}

/** What this face adds to a command. */
const faces: Record<string, { usage?: string; wait?: boolean; yes?: boolean; defaults?: Arguments }> = {
  run: { usage: '[strategy | tag:x | all] [--pin NOTE] [--wait]', wait: true, defaults: { what: 'all' } },
  verify: { wait: true },
  drill: { wait: true },
  approve: { wait: true },
  restore: { yes: true },
  clone: { yes: true },
  undo: { wait: true },
  confirm: { yes: true },
  prune: { yes: true },
}

/** `catalog sync` is a command of a command. */
function place(program: Command, { name, summary }: CommandDefinition): Command {
  const [first, second] = name.split(' ')
  if (second === undefined) return program.command(name)
  const parent = program.commands.find((each) => each.name() === first)
  return (parent ?? program.command(first!).summary(summary)).command(second)
}

function cliOptions(definition: CommandDefinition): CliOption[] {
  return optionsOf(definition)
    .filter(({ key }) => !definition.positional.includes(key))
    .map(({ flag, isSwitch, isList, description }) => {
      const option = new CliOption(isSwitch ? `--${flag}` : `--${flag} <value>`, description)
      const several = (value: string, before?: string[]): string[] => [...(before ?? []), value]
      return isList ? option.argParser(several) : option
    })
}

function taken(command: Command, definition: CommandDefinition): { args: Arguments; manner: Manner } {
  const { wait = false, yes = false, ...given } = command.opts<Arguments & Partial<Manner>>()
  const args: Arguments = {}
  for (const option of command.options) {
    const value = given[option.attributeName()]
    // Commander reads `--no-owner` as an `owner` that is true until it is given.
    if (option.negate) args[camel(option.name())] = value === false ? true : undefined
    else if (option.attributeName() in given) args[option.attributeName()] = value
  }
  definition.positional.forEach((key, at) => (args[key] = command.processedArgs[at] as unknown))
  return {
    args: Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined)),
    manner: { wait, yes },
  }
}

function camel(flag: string): string {
  return flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function addHelp(program: Command, session: Session): void {
  program
    .command('help [command...]')
    .summary('Help for a command; `help exit-codes` lists the exit codes')
    .action((words: string[]) => {
      if (words.join(' ') === 'exit-codes') return say(session, exitCodeLines().join('\n'))
      let about = program
      for (const word of words) {
        const next = about.commands.find((each) => each.name() === word || each.aliases().includes(word))
        if (!next) about.error(`error: unknown command '${word}'`, { code: 'commander.unknownCommand' })
        about = next!
      }
      about.outputHelp()
    })
}
