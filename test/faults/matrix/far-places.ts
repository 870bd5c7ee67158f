import type { Row } from './row.ts'

const azure = 'storages/azure-faults.test.ts'
const gcs = 'storages/gcs-faults.test.ts'
const sftp = 'storages/sftp-faults.test.ts'
const engine = 'engine/far-places.test.ts'

/** Azure, Google and servers of SSH. */
export const farPlaceFaults: readonly Row[] = [
  {
    fault: 'Azure and Google: 503 and 429 in bursts, a cut request, a lost answer at any step',
    by: [
      [azure, 'a burst of 503 and a lost answer to any step'],
      [gcs, 'bursts of 503 and 429, cut requests and lost answers'],
      [gcs, 'each answer to a chunk is lost once'],
    ],
  },
  {
    fault: 'Azure and Google: wrong, withdrawn or narrow credentials',
    by: [
      [azure, 'a wrong key is denied'],
      [azure, 'a token that may only create'],
      [gcs, 'a wrong, withdrawn or missing key is denied'],
      [gcs, 'credentials that may only create'],
    ],
  },
  {
    fault: 'Azure and Google: other bytes are stored than were sent',
    by: [
      [azure, 'other bytes than were sent'],
      [gcs, 'other bytes than were sent'],
    ],
  },
  {
    fault: 'SFTP: the connection is cut or hangs, while writing and while reading',
    by: [
      [sftp, 'an upload whose connection is cut again and again'],
      [sftp, 'a read whose connection is cut'],
      [sftp, 'a server that answers no more'],
    ],
  },
  {
    fault: 'SFTP: full or read-only disk, foreign folder, symbolic link, missing place',
    by: [
      [sftp, 'a full disk is told as such'],
      [sftp, 'a folder of somebody else'],
      [sftp, 'a symbolic link in the way'],
      [sftp, 'a place that goes away'],
    ],
  },
  {
    fault: 'SFTP: another host key, a refused login, a server without extensions',
    by: [
      [sftp, 'another host key than the one of fingerprint'],
      [sftp, 'a login that is refused'],
      [sftp, 'servers without the extensions of OpenSSH'],
    ],
  },
  {
    fault: 'a far place: kill -9 in the middle of an upload',
    by: [[engine, 'of a run killed in the middle of an upload nothing is left there']],
  },
]
