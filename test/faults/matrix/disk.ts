import type { Row } from './row.ts'

const places = 'engine/places.test.ts'
const disk = 'faults/disk.test.ts'
const localFaults = 'storages/local-faults.test.ts'

export const diskFaults: readonly Row[] = [
  {
    fault: 'temp_dir is full',
    by: [[places, 'temp_dir: the run says so, nothing is left, and once there is room the next one works']],
    torture: ['temp is full'],
  },
  {
    fault: 'the state’s disk is full',
    by: [
      [disk, 'its disk is full: what runs ends, and after there is room nothing is missing'],
      ['engine/ends.test.ts', 'a state disk that is full for a while delays the end, and loses nothing'],
    ],
    torture: ['state is full'],
  },
  {
    fault: 'a local storage is full',
    by: [
      [places, 'storage: the run says so, the backups before it are whole, and nothing partial is left'],
      [localFaults, 'a full disk is told as such, nothing is left behind, and earlier objects are whole'],
    ],
    torture: ['storage is full'],
  },
  {
    fault: 'ENOSPC or EIO on write, fsync, link, rename, unlink',
    by: [
      [disk, 'ends in a whole backup or none, and the next one works'],
      [localFaults, 'and leaves nothing behind'],
    ],
  },
  { fault: 'a short write', by: [[localFaults, 'a limit on file size is not mistaken for success']] },
  {
    fault: 'remounted read-only',
    by: [
      [places, 'read-only: denied, not tried again'],
      [localFaults, 'a disk mounted read-only is denied, with what to do'],
    ],
    torture: ['the storage becomes read-only'],
  },
  {
    fault: 'the storage folder is replaced by a link',
    by: [
      [disk, 'replaced by a link to somewhere else: nothing is written there'],
      [disk, 'folder replaced by a link: refused, and nothing is written or removed behind it'],
    ],
  },
  {
    fault: 'the storage is not mounted',
    by: [
      [places, 'the disk is not mounted: the marker is missing, and nothing is written into the mount point'],
    ],
    torture: ['the storage is unmounted'],
  },
  {
    fault: 'the state database is corrupt or cut',
    by: [['state/database.test.ts', 'it says so, what to do, and leaves it as it is']],
  },
  {
    fault: 'the state database is older than the storage',
    by: [
      [disk, 'older than the storage, as after a restored snapshot: what was backed up since is found again'],
    ],
  },
  {
    fault: 'the state database is gone',
    by: [[places, 'on an empty machine it is what it was before, verdicts included']],
  },
]
