import type { Static, TObject } from 'typebox'
import type { Actor } from '../core/model.ts'
import type { Clock } from '../core/clock.ts'
import type { Engine } from '../engine/facade.ts'
import type { Gate, Person, Role } from '../gate/gate.ts'
import type { About } from './about.ts'
import type { Reply } from './reply.ts'

/** For the faces, which may import commands but neither engine nor gate. */
export type { Engine } from '../engine/facade.ts'
export type { Gate, Person, Role } from '../gate/gate.ts'

/** A face of the program; a command says which of them offer it. */
export type Face = 'slack' | 'cli'

/** One thing a person can ask, declared once for Slack, command line and HTTP. */
export interface CommandDefinition<Args extends TObject = TObject> {
  /** One or two words. */
  name: string
  aliases: readonly string[]
  /** One line, in help and docs. */
  summary: string
  /** How the words after the name are written, e.g. `[strategy | tag:x]`. */
  usage: string
  role: Role
  /** Without an `access` section: may everyone do it? View commands always; else only `run` and `verify`. */
  open: boolean
  /** What its arguments are about, on `engine`: every strategy of it has to allow the command. Absent: about none in particular. */
  about?(args: Static<Args>, engine: Engine): About | Promise<About>
  /** It is a decision that the audit log keeps, under this name: `<thing>.<act>` or the command's own. Absent: only refusals are. */
  audited?: string
  /** On Slack a button asks it: help does not list it there. */
  byButton?: true
  /** Which faces offer it. */
  faces: readonly Face[]
  /** Its arguments, camelCase (`targetDb` is typed `--target-db`): validated the same on every face.
   * A property's `title` says in a complaint what was expected; its `description` is for help. */
  args: Args
  /** Names of arguments that plain words fill, in order. */
  positional: readonly string[]
  /** Options people may know from the documentation that come with a later release, as typed, without dashes. */
  later?: readonly string[]
  run(args: Static<Args>, context: CommandContext): Promise<Reply>
}

export interface CommandContext {
  engine: Engine
  gate: Gate
  clock: Clock
  actor: Actor
  person: Person
  /** What the asking face offers, for help. */
  commands: readonly CommandDefinition[]
}

/** Keeps the types of a definition's own arguments while it is written. */
export function defineCommand<Args extends TObject>(
  definition: CommandDefinition<Args>,
): CommandDefinition<Args> {
  return definition
}
