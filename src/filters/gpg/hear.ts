import { Fault } from '../../core/faults.ts'
import { isBrokenPipe, type ToolFailure } from '../../sys/process.ts'
import type { Direction, Hearing } from '../filter.ts'
import { saying } from '../wrap/saying.ts'

/** Lines for machines (doc/DETAILS of GnuPG). The exit status alone does not do: gpg exits 0 for a file that was never encrypted,
 * and for one that is cut right behind its first packet. */
const status = '[GNUPG:] '

export function hear(direction: Direction): Hearing {
  const told: string[] = []
  return {
    line(text) {
      if (!text.startsWith(status)) return false
      told.push(text.slice(status.length))
      return true
    },
    bytes: () => null,
    judge(failure) {
      if (failure && (failure.exitSignal !== null || isBrokenPipe(failure))) return null
      return direction === 'encode' ? judgeEncoding(told, failure) : judgeDecoding(told, failure)
    },
  }
}

function judgeEncoding(told: string[], failure: ToolFailure | null): Fault | null {
  if (!failure)
    return told.some((line) => line.startsWith('END_ENCRYPTION'))
      ? null
      : new Fault('tool-failed', 'gpg did not say that it has encrypted')
  const isKey = told.some((line) => /^(INV_RECP|NO_RECP|KEYEXPIRED)/.test(line))
  return new Fault(isKey ? 'key-wrong' : 'tool-failed', `gpg could not encrypt: ${wordsOf(failure)}`, {
    cause: failure,
  })
}

function judgeDecoding(told: string[], failure: ToolFailure | null): Fault | null {
  const has = (keyword: string): boolean => told.some((line) => line.split(' ')[0] === keyword)
  if (!failure && has('DECRYPTION_OKAY') && has('GOODMDC') && !has('DECRYPTION_FAILED')) return null
  const words = failure ? wordsOf(failure) : ''
  const own = failure?.lastWords.filter((line) => ownTrouble.test(line)) ?? []
  if (failure && own.length > 0) return saying(own, failure)
  if (failure && has('NEED_PASSPHRASE'))
    return new Fault('key-wrong', 'the private key asks for a passphrase of its own', {
      hint: 'give identity_file a key without one: gpg --edit-key KEY passwd, then export it again',
      ...causeOf(failure),
    })
  if (isOtherKey(told, words))
    return new Fault('key-wrong', 'it was encrypted with gpg for another key or passphrase', {
      hint: 'take the identity_file or passphrase of the time when it was made',
      ...causeOf(failure),
    })
  const isBroken =
    brokenWords.some(has) || told.some(isOfFormat) || /packet.* (with unknown version|\(ctb=)/.test(words)
  if (failure && !isBroken) return saying([`gpg: ${words}`], failure)
  const what = failure ? 'it is cut or damaged' : 'it is cut, or was never encrypted'
  return new Fault('object-corrupt', `not a whole gpg file: ${what}`, causeOf(failure))
}

/** What gpg says of a file that is cut, changed or no gpg file. */
const brokenWords = ['NODATA', 'BADMDC', 'DECRYPTION_FAILED']

/** `FAILURE decrypt CODE`: an error number of libgpg-error, in which bit 15 marks those of the system; all ones is an end too early. */
function isOfFormat(line: string): boolean {
  const code = Number(/^FAILURE \S+ (\d+)/.exec(line)?.[1] ?? 0x8000) & 0xffff
  return (code & 0x8000) === 0 || code === 0xffff
}

/** Of this machine: it says nothing about the file, whatever else gpg makes of it. */
const ownTrouble =
  /^gpg: .*(no space left|quota exceeded|input\/output error|cannot allocate memory|out of .*(memory|core)|too many open files|error (writing|flushing)|can't connect to the agent|no agent running|resource temporarily unavailable)/i

function isOtherKey(told: string[], words: string): boolean {
  return told.some((line) => line.includes('BAD_PASSPHRASE')) || /No secret key|Bad session key/.test(words)
}

/** The last line for people. */
function wordsOf({ lastWords, message }: ToolFailure): string {
  const line = lastWords.findLast((words) => words.startsWith('gpg: '))
  return line?.slice('gpg: '.length) ?? message
}

function causeOf(failure: ToolFailure | null): { cause?: unknown } {
  return failure ? { cause: failure } : {}
}
