import { Type, type TSchemaOptions } from 'typebox'
import type { Level } from '../core/model.ts'

/** Arguments that several commands share. `title` completes "… is not a …". */

/** Names have no capitals; who types some is told the name that was meant. */
const typedName = '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$'

export const strategyField = (description: string) =>
  Type.String({ pattern: typedName, title: 'strategy name', description })

export const selectorField = (description: string) =>
  Type.String({
    pattern: `${typedName}|^tag:[^\\p{C}\\p{Z}]{1,63}$`,
    title: 'strategy name, tag:x or all',
    description,
  })

const idPattern = '^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$'

export const backupField = (description: string) =>
  Type.String({ pattern: idPattern, title: 'backup id or its last four characters', description })

/** Of a command that takes many as well. */
export const backupOrTagField = (description: string) =>
  Type.String({
    pattern: `${idPattern}|^tag:[^\\p{C}\\p{Z}]{1,63}$`,
    title: 'backup id or its last four characters',
    description,
  })

export const runField = (description: string) =>
  Type.String({ pattern: idPattern, title: 'run id or strategy name', description })

export const requestField = (description: string) =>
  Type.String({ pattern: idPattern, title: 'request id', description })

export const versionField = (description: string) =>
  Type.Integer({ minimum: 0, title: 'version number', description })

export const incidentField = (description: string) =>
  Type.String({ pattern: idPattern, title: 'strategy or incident', description })

/** What a button showed; who types has seen nothing. */
export const actsField = Type.Integer({
  minimum: 0,
  title: 'number',
  description: 'how often somebody had acknowledged or snoozed it when you looked',
})

export const levelField = <Levels extends Level[]>(levels: [...Levels], description: string) =>
  Type.Enum(levels, { title: `level: ${levels.join(', ')}`, description })

/** One line of text: no control characters. */
export const lineField = (
  title: string,
  description: string,
  options: TSchemaOptions & { maxLength: number },
) => Type.String({ pattern: '^\\P{C}+$', title, description, ...options })

export const reasonField = (description: string) =>
  lineField('reason of one line', description, { maxLength: 500 })

export const limitField = Type.Integer({
  minimum: 1,
  maximum: 10_000,
  title: 'number from 1 to 10000',
  description: 'how many lines at most',
})
