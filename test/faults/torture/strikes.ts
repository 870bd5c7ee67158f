import { diskStrikes } from './disk-strikes.ts'
import { databaseStrikes, personStrikes, slackStrikes, timeStrikes } from './outside-strikes.ts'
import { processStrikes } from './process-strikes.ts'
import { s3Strikes } from './s3-strikes.ts'
import type { Strike } from './strike.ts'

/** Every way to hurt it that the torture knows. */
export const strikes: readonly Strike[] = [
  ...processStrikes,
  ...diskStrikes,
  ...s3Strikes,
  ...databaseStrikes,
  ...slackStrikes,
  ...personStrikes,
  ...timeStrikes,
]
