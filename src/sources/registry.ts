import { mongodb } from './mongodb/index.ts'
import { mysql } from './mysql/index.ts'
import { postgres } from './postgres/index.ts'
import type { SourceDriver } from './source.ts'
import { sqlite } from './sqlite/index.ts'

/** Every kind of database there is. */
export const sources: readonly SourceDriver[] = [postgres, sqlite, mysql, mongodb]
