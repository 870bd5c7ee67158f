import { postgres } from './postgres/index.ts'
import type { SourceDriver } from './source.ts'

/** Every kind of database there is. */
export const sources: readonly SourceDriver[] = [postgres]
