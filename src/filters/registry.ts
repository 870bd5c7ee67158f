import type { Filter } from './filter.ts'
import { age } from './age/index.ts'
import { gpg } from './gpg/index.ts'
import { gzip } from './gzip.ts'
import { zstd } from './zstd.ts'

/** Every filter there is. Compression `none` is an empty list of filters, not a filter. */
export const filters: readonly Filter[] = [gzip, zstd, age, gpg]
