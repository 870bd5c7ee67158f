import { Fault } from '../core/faults.ts'

export interface ConfigMistake {
  file: string
  /** From 1. */
  line: number
  column: number
  /** `global.slack.channel_id`; `(file)` for the whole. */
  path: string
  wrong: string
  /** What to write instead. */
  instead: string
}

/** Everything that is wrong with a configuration file, in file order; the message has one line each. */
export class ConfigMistakes extends Fault {
  readonly mistakes: readonly ConfigMistake[]
  constructor(mistakes: readonly ConfigMistake[]) {
    super('config-invalid', mistakes.map(spellMistake).join('\n'))
    this.name = 'ConfigMistakes'
    this.mistakes = mistakes
  }
}

/** `file:line:column  path  what is wrong  what to write instead` */
export function spellMistake({ file, line, column, path, wrong, instead }: ConfigMistake): string {
  return `${file}:${line}:${column}  ${path}  ${wrong}  ${instead}`.replaceAll(/[\r\n\t]+/g, ' ')
}
