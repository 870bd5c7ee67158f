import { Fault } from '../core/faults.ts'

export interface ConfigMistake {
  file: string
  /** From 1. */
  line: number
  column: number
  /** `global.slack.channel_id`; `(file)` for the whole. */
  path: string
  /** The environment variable that is meant, when there is no file. */
  variable?: string
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

/** `file:line:column  path  what is wrong  what to write instead`; of the environment `VARIABLE  what …` */
export function spellMistake(mistake: ConfigMistake): string {
  const { file, line, column, path, variable, wrong, instead } = mistake
  const where = variable ?? `${file}:${line}:${column}  ${path}`
  const what = variable ? instead.replace(/^write [a-z_]+: (?=\S)/, 'write ') : instead
  return `${where}  ${wrong}  ${what}`.replaceAll(/[\r\n\t]+/g, ' ')
}
