import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { Fault } from '../core/faults.ts'
import type { CommandDefinition } from './command.ts'
import { nearest } from '../core/nearest.ts'
import { quoted } from './words.ts'

export type Arguments = Record<string, unknown>

/** Words after a command's name → its arguments: plain words fill `positional`, `--flag value`, `--flag=value` and `--flag`
 * the rest. Not yet validated.
 * @throws Fault usage · not-yet */
export function readArguments(command: CommandDefinition, words: readonly string[]): Arguments {
  const found: Arguments = {}
  const plain: string[] = []
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (word === '--') {
      plain.push(...words.slice(at + 1))
      break
    }
    const flag = flagPattern.exec(word)
    if (!flag) {
      plain.push(word)
      continue
    }
    const option = optionOf(command, flag[1]!)
    const inline = flag[2]
    if (option.isList) {
      const value = inline ?? valueAfter(command, option.flag, words[++at])
      found[option.key] = [...((found[option.key] as string[] | undefined) ?? []), value]
      continue
    }
    if (Object.hasOwn(found, option.key)) throw usage(command, `--${option.flag} was given twice`)
    if (option.isSwitch) found[option.key] = inline ?? true
    else found[option.key] = inline ?? valueAfter(command, option.flag, words[++at])
  }
  return place(command, plain, found)
}

/** Checks arguments against the command's schema; text is turned into numbers and switches where the schema has them.
 * @throws Fault usage · not-yet */
export function checkArguments(command: CommandDefinition, given: Arguments): Arguments {
  const args = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  for (const key of Object.keys(args)) optionOf(command, kebab(key))
  const validate = validatorOf(command)
  if (validate(args)) return args
  throw usage(command, complaint(command, validate.errors![0]!))
}

/** `targetDb` → `target-db`, as it is typed. */
function kebab(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

export interface Option {
  key: string
  flag: string
  isSwitch: boolean
  /** May be given several times. */
  isList: boolean
  /** It may hold a password: never said again. */
  isSecret: boolean
  title: string
  description: string
}

/** The command's arguments as options, for the parser and for help. */
export function optionsOf(command: CommandDefinition): Option[] {
  return Object.entries(command.args.properties).map(([key, schema]) => {
    const { type, title = 'text', description = '', writeOnly = false } = schema as Described
    return {
      key,
      flag: kebab(key),
      isSwitch: type === 'boolean',
      isList: type === 'array',
      isSecret: writeOnly,
      title,
      description,
    }
  })
}

interface Described {
  type?: string
  title?: string
  description?: string
  writeOnly?: boolean
}

// Slack's clients turn `--` into one long dash while people type.
const flagPattern = /^(?:--|—|–)([^\s=]+)(?:=(.*))?$/su

function optionOf(command: CommandDefinition, typed: string): Option {
  const options = optionsOf(command)
  const option = options.find(({ flag }) => flag === typed)
  if (option) return option
  if (command.later?.includes(typed))
    throw new Fault('not-yet', `--${typed} of \`${command.name}\` comes with a later release`, {
      hint: usageLine(command),
    })
  const near = nearest(
    typed,
    options.map(({ flag }) => flag),
  )
  throw usage(
    command,
    `\`${command.name}\` has no option ${quoted(`--${typed}`)}`,
    near && `did you mean \`--${near}\`?`,
  )
}

function valueAfter(command: CommandDefinition, flag: string, word: string | undefined): string {
  if (word === undefined || /^(?:--|—|–)/u.test(word)) throw usage(command, `--${flag} needs a value`)
  return word
}

function place(command: CommandDefinition, plain: string[], found: Arguments): Arguments {
  const extra = plain[command.positional.length]
  if (extra !== undefined)
    throw usage(command, `\`${command.name}\` does not know what to do with ${quoted(extra)}`)
  plain.forEach((word, index) => {
    const key = command.positional[index]!
    if (Object.hasOwn(found, key)) throw usage(command, `${kebab(key)} was given twice`)
    found[key] = word
  })
  return found
}

const ajv = new Ajv2020({ coerceTypes: true, strict: false, verbose: true })
const validators = new WeakMap<CommandDefinition, ValidateFunction>()

function validatorOf(command: CommandDefinition): ValidateFunction {
  const known = validators.get(command)
  if (known) return known
  const validate = ajv.compile({ ...command.args, additionalProperties: false })
  validators.set(command, validate)
  return validate
}

function complaint(command: CommandDefinition, error: ErrorObject): string {
  if (error.keyword === 'required') {
    const missing = (error.params as { missingProperty: string }).missingProperty
    return `\`${command.name}\` needs ${article(titleOf(command, missing))}`
  }
  const key = error.instancePath.split('/')[1] ?? '' // of a list: `/table/0`
  const expected = `is not ${article(titleOf(command, key))}`
  // What may hold a password is not said again.
  if ((command.args.properties[key] as Described).writeOnly) return `--${kebab(key)} ${expected}`
  return `${quoted(typeof error.data === 'string' ? error.data : JSON.stringify(error.data))} ${expected}`
}

function titleOf(command: CommandDefinition, key: string): string {
  return optionsOf(command).find((option) => option.key === key)?.title ?? kebab(key)
}

function article(noun: string): string {
  return /^(a|an|one|the) /.test(noun) ? noun : `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`
}

function usageLine(command: CommandDefinition): string {
  return `write \`${[command.name, command.usage].filter(Boolean).join(' ')}\``
}

function usage(command: CommandDefinition, text: string, hint?: string | null): Fault {
  return new Fault('usage', text, { hint: hint ?? usageLine(command) })
}
