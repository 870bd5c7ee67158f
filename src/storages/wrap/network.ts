import { whyNot } from '../../sys/net/dial.ts'

/** Whether a code of Node says that a certificate was not accepted: trying again cannot help. */
export function isCertificateCode(code: string): boolean {
  return /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code)
}

/** Why no answer came, for people.
 * @param own words for the client library's own codes and names */
export function whyNoAnswer(error: unknown, own: Record<string, string>): string {
  const { code, name } = error as { code?: string; name?: string }
  const shown = code ?? name ?? ''
  return whyNot(error) ?? own[shown] ?? shown
}
