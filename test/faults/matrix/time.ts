import type { Row } from './row.ts'

const time = 'faults/time.test.ts'
const scheduler = 'engine/scheduler.test.ts'

export const timeFaults: readonly Row[] = [
  {
    fault: 'DST in New York, Berlin and Lord Howe',
    by: [
      [time, 'a backup at that time runs once'],
      ['core/schedule-years.test.ts', 'loses no slot and doubles none'],
    ],
  },
  {
    fault: 'the clock an hour off',
    by: [
      [time, 'an hour forward runs what was missed once, and an hour back runs nothing twice'],
      [scheduler, 'an hour back never runs a slot again'],
    ],
    torture: ['the clock is an hour ahead', 'the clock is an hour behind'],
  },
  {
    fault: 'ten years ahead',
    by: [
      [time, 'ten years forward start one backup and delete none of the newest; back again slots run on'],
      [scheduler, 'ten years forward start one backup, and back again every slot runs when its time comes'],
      ['engine/deliver.test.ts', 'a clock that was ahead keeps no message waiting for years'],
    ],
  },
  {
    fault: '1970',
    by: [
      [time, '1970 starts nothing twice, and deletes nothing'],
      [scheduler, '1970 and back loses nothing and runs nothing twice'],
    ],
  },
  {
    fault: 'asleep for eight hours',
    by: [[time, 'after eight hours of sleep one slot is caught up, and each other one is recorded']],
  },
]
