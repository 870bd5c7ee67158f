import { Fault, type FaultCode, type FaultOptions } from '../../core/faults.ts'
import { whyNot } from '../../sys/net/dial.ts'

export function taken(key: string): Fault {
  return new Fault('storage-exists', `${key} is already stored`)
}

/** Whether a code of Node says that a certificate was not accepted: trying again cannot help. */
export function isCertificateCode(code: string): boolean {
  return /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code)
}

/** Whether a code of Node, or of a client library, says that a call was lost on its way. */
export function isNetworkCode(code: string): boolean {
  return /^(E[A-Z]{3,}|HPE_[A-Z_]+|UND_ERR_[A-Z_]+|REQUEST_SEND_ERROR|PARSE_ERROR|ERR_STREAM_PREMATURE_CLOSE)$/.test(
    code,
  )
}

/** A call to a place in the network that failed. */
export interface Failed {
  error: unknown
  /** What it was for, in words. */
  what: string
  /** 0 = there was no answer. */
  status: number
  /** As the place names it, or the code of a lost connection. */
  name: string
  /** The same call may succeed a moment later. */
  canPass: boolean
  /** Who was asked. */
  server: string
  location: string
}

/** What all places in the network have in common, once their own answers have been looked at. @returns null for anything else */
export function commonFault({ error, what, status, name, canPass, server, location }: Failed): Fault | null {
  const fault = (code: FaultCode, text: string, options: FaultOptions = {}): Fault =>
    new Fault(code, text, { ...options, cause: error })
  if (status === 412) return fault('storage-exists', `${what}: an object of this name is already stored`)
  if (status === 404) return fault('object-missing', `${what}: there is no such object in ${location}`)
  if (isCertificateCode(name))
    return fault('storage-unreachable', `the certificate of ${server} is not accepted (${name})`, {
      hint: 'check endpoint; for a certificate of your own set NODE_EXTRA_CA_CERTS',
      retry: false,
    })
  if (!canPass) return null
  const why = status >= 400 ? `answered ${status} (${name})` : `did not answer (${whyNoAnswer(error, name)})`
  return fault('storage-unreachable', `${what} failed: ${server} ${why}`, {
    hint: 'check that the server is up and can be reached from here',
  })
}

function whyNoAnswer(error: unknown, name: string): string {
  return whyNot(error) ?? reasons[name] ?? name
}

/** By the client libraries' own codes and names. */
const reasons: Record<string, string> = {
  AbortError: 'nothing came in time', // of the deadline: the signal's own is told before
  TimeoutError: 'nothing came in time',
  UND_ERR_CONNECT_TIMEOUT: 'nothing came in time',
  UND_ERR_HEADERS_TIMEOUT: 'nothing came in time',
  UND_ERR_BODY_TIMEOUT: 'nothing came in time',
  UND_ERR_SOCKET: 'the connection was lost',
  REQUEST_SEND_ERROR: 'the connection was lost',
}
