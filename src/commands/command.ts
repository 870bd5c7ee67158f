import type { Static, TObject } from 'typebox'
import type { Actor } from '../core/model.ts'
import type { Clock } from '../core/clock.ts'
import type { Engine } from '../engine/facade.ts'
import type { Gate, Person, Role } from '../gate/gate.ts'
import type { Reply } from './reply.ts'

/** One thing a person can ask, declared once for Slack, command line and HTTP. */
export interface CommandDefinition<Args extends TObject = TObject> {
  name: string
  aliases: readonly string[]
  /** One line, in help and docs. */
  summary: string
  /** How the words after the name are written, e.g. `[strategy | tag:x]`. */
  usage: string
  role: Role
  /** Without an `access` section: may everyone do it? View commands always; else only `run` and `verify`. */
  open: boolean
  /** Which faces offer it. */
  faces: readonly ('slack' | 'cli')[]
  /** Its arguments: validated the same on every face. */
  args: Args
  /** Names of arguments that plain words fill, in order. */
  positional: readonly string[]
  run(args: Static<Args>, context: CommandContext): Promise<Reply>
}

export interface CommandContext {
  engine: Engine
  gate: Gate
  clock: Clock
  actor: Actor
  person: Person
}
