import type { Row } from './row.ts'

const places = 'engine/places.test.ts'
const requests = 'engine/restore-requests.test.ts'

export const atRestFaults: readonly Row[] = [
  {
    fault: 'flipped, cut, extended, swapped, replayed objects and edited manifests',
    by: [
      [
        'engine/mutations.test.ts',
        'random mutations of stored objects are refused before a byte reaches a target',
      ],
      [requests, 'a broken backup reaches no target: it is marked, and the older good one is named'],
      [places, 'a manifest that was edited is refused, and said; so is one that was moved'],
    ],
    torture: ['a stored object is damaged', 'a backup is removed behind us'],
  },
  {
    fault: 'a wrong or lost key',
    by: [
      ['engine/encryption.test.ts', 'without the key is read again, says what is missing, and stays good'],
      [
        'engine/encryption.test.ts',
        'of a former key or passphrase is never called corrupt, and is read with the one that is named',
      ],
      ['engine/encryption.test.ts', 'holds for its keys alone: with others it is asked again'],
    ],
  },
  {
    fault: 'the host’s disk is copied by a thief',
    by: [['engine/thief.test.ts', 'reads nothing of the data when there are only recipients']],
  },
]
