import type { Rule } from '../../support/s3/misbehaviour.ts'
import type { Action } from '../../support/s3/request.ts'
import { between, pause, pick, type Strike } from './strike.ts'

const storing: readonly Rule['on'][] = [
  'PutObject',
  'CreateMultipartUpload',
  'UploadPart',
  'CompleteMultipartUpload',
]
const any: readonly Rule['on'][] = [
  ...storing,
  'GetObject',
  'HeadObject',
  'DeleteObject',
  'ListObjectsV2',
  'any',
]
const refusals = [
  [503, 'SlowDown'],
  [500, 'InternalError'],
  [503, 'ServiceUnavailable'],
  [400, 'RequestTimeout'],
] as const

/** Some requests go wrong for a while. */
const trouble = (kind: string, rules: (random: () => number) => Rule[]): Strike => ({
  kind,
  family: 'network and S3',
  strike: async ({ s3 }, random) => {
    const ends = rules(random).map((rule) => s3.misbehave(rule))
    await pause(between(random, 500, 4_000))
    return async () => ends.forEach((end) => end())
  },
})

/** Nothing of a kind works for a while. */
const denied = (kind: string, actions: (random: () => number) => readonly Action[]): Strike => ({
  kind,
  family: 'network and S3',
  strike: async ({ s3 }, random) => {
    const chosen = actions(random)
    s3.deny(...chosen)
    await pause(between(random, 500, 4_000))
    return async () => s3.allow(...chosen)
  },
})

export const s3Strikes: readonly Strike[] = [
  trouble('S3 answers in bursts of 503 and 500', (random) => {
    const [answer, code] = pick(random, refusals)
    return [{ on: pick(random, any), times: between(random, 1, 12), trouble: { answer, code } }]
  }),
  trouble('S3 cuts requests at random bytes', (random) => [
    {
      on: pick(random, storing),
      times: between(random, 1, 3),
      trouble: { cutRequestAt: between(random, 0, 3_000_000) },
    },
  ]),
  trouble('an answer of S3 is lost after it was done', (random) => [
    { on: pick(random, storing), times: between(random, 1, 2), trouble: { cutAnswerAt: 0 } },
  ]),
  trouble('S3 answers 200 with an error in it', () => [
    { on: 'CompleteMultipartUpload', trouble: { answer: 500, code: 'InternalError', in200: true } },
  ]),
  trouble('a download is cut, short or altered', (random) => {
    const at = between(random, 0, 200_000)
    const how = pick(random, [{ cutAnswerAt: at + 1 }, { flipAnswerAt: 0 }, { shortenAnswerTo: at }])
    return [{ on: 'GetObject', times: between(random, 1, 3), trouble: how }]
  }),
  trouble('the credentials of S3 have expired', () => [
    { on: 'any', times: Infinity, trouble: { answer: 400, code: 'ExpiredToken' } },
  ]),
  trouble('the clock is too far from that of S3', () => [
    { on: 'any', times: Infinity, trouble: { answer: 403, code: 'RequestTimeTooSkewed' } },
  ]),
  trouble('S3 is away', () => [{ on: 'any', times: Infinity, trouble: { cutRequestAt: 0 } }]),
  denied('S3 refuses deletes or listings', (random) => [
    pick(random, ['DeleteObject', 'ListObjectsV2'] as const),
  ]),
  denied('S3 refuses writes', () => ['PutObject', 'CreateMultipartUpload', 'UploadPart']),
]
