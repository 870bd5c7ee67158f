import type { Row } from './row.ts'

const s3 = 'faults/s3.test.ts'

export const s3Faults: readonly Row[] = [
  {
    fault: '500, 503 and 429 in bursts',
    by: [
      [s3, 'a burst of 503'],
      [s3, 'a burst of 500'],
      [s3, 'a burst of 429'],
    ],
    torture: ['S3 answers in bursts of 503 and 500'],
  },
  {
    fault: 'reset at byte N',
    by: [[s3, 'a request cut at byte 2,000,000']],
    torture: ['S3 cuts requests at random bytes', 'S3 is away'],
  },
  {
    fault: 'the reply is lost after PUT, a part and CompleteMultipartUpload',
    by: [
      [s3, 'the answer to a PUT lost'],
      [s3, 'the answer to a part lost'],
      [s3, 'the answer to CompleteMultipartUpload lost'],
    ],
    torture: ['an answer of S3 is lost after it was done'],
  },
  {
    fault: '200 with an error in it',
    by: [[s3, 'a 200 with an error in it']],
    torture: ['S3 answers 200 with an error in it'],
  },
  {
    fault: 'truncated or altered GET',
    by: [[s3, 'condemns no backup, and reaches no target']],
    torture: ['a download is cut, short or altered'],
  },
  {
    fault: 'a server that never answers',
    by: [[s3, 'a server that never answers is left after its deadline, and the next try works']],
  },
  {
    fault: 'clock skew 403',
    by: [[s3, 'a clock too far off']],
    torture: ['the clock is too far from that of S3'],
  },
  {
    fault: 'expired credentials',
    by: [[s3, 'expired credentials']],
    torture: ['the credentials of S3 have expired'],
  },
  {
    fault: 'writes, deletes or listings denied',
    by: [
      [s3, 'writes denied'],
      [s3, 'deletes denied keep the old backup whole and listed'],
    ],
    torture: ['S3 refuses writes', 'S3 refuses deletes or listings'],
  },
  {
    fault: 'page 3 of a listing fails',
    by: [[s3, 'a listing that fails on page 3 deletes nothing, and is told']],
  },
  {
    fault: 'the bucket is missing or in another region',
    by: [
      [s3, 'the bucket is gone'],
      [s3, 'the bucket is in another region'],
    ],
  },
  {
    fault: 'an object is deleted behind us',
    by: [[s3, 'an object that was deleted behind us is missing, said so, and not offered any more']],
  },
  { fault: 'checksum headers are refused', by: [[s3, 'checksum headers refused']] },
  {
    fault: 'Object Lock',
    by: [['storages/s3-ceph.test.ts', 'what Object Lock keeps is not removed, and the date is said']],
  },
  {
    fault: 'more than 10,000 parts',
    by: [[s3, 'a dump that needs more parts than there may be gets larger parts']],
  },
  { fault: 'TLS of another host', by: [[s3, 'a certificate of another host is refused, and said']] },
  {
    fault: 'one of two places is away',
    by: [
      [
        'engine/several-places.test.ts',
        'one is away: degraded, told without calling anybody, then caught up without a second dump',
      ],
    ],
  },
]
