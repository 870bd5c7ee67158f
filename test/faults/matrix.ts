import { atRestFaults } from './matrix/at-rest.ts'
import { databaseFaults } from './matrix/database.ts'
import { diskFaults } from './matrix/disk.ts'
import { farPlaceFaults } from './matrix/far-places.ts'
import { hostileInputFaults } from './matrix/hostile-input.ts'
import { processFaults } from './matrix/process.ts'
import { s3Faults } from './matrix/s3.ts'
import { slackFaults } from './matrix/slack.ts'
import { timeFaults } from './matrix/time.ts'
import type { Row } from './matrix/row.ts'

/** The faults to survive, area by area. `docs/faults.md` is made from this; a test fails when a title here is not there. */
export const matrix: Readonly<Record<string, readonly Row[]>> = {
  Process: processFaults,
  Disk: diskFaults,
  'Network and S3': s3Faults,
  'Other far places': farPlaceFaults,
  Slack: slackFaults,
  Database: databaseFaults,
  Time: timeFaults,
  'At rest': atRestFaults,
  'Hostile input': hostileInputFaults,
}
