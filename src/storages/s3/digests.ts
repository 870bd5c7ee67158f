import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

/** What a server says about an object it holds. */
export interface Stated {
  ETag?: string | undefined
  ChecksumCRC32?: string | undefined
  ChecksumType?: string | undefined
}

/** Digests of what goes to a server, part by part, as the server will state them. */
export interface Digests {
  /** To be called in order. @returns what goes with the part */
  add(part: Buffer): { ContentMD5: string } | { ChecksumCRC32: string }
  readonly bytes: number
  /** Final: lower-case hex. */
  sha256(): string
  /** Base64 of the whole object; null when not counted. */
  crc32(): string | null
  /** Whether the server holds what we sent; null when it states nothing that tells.
   * @param inParts it was put in parts */
  agrees(stated: Stated, inParts: boolean): boolean | null
}

/** @param checksums CRC32, as AWS likes it; else MD5, which every server knows */
export function createDigests(checksums: boolean): Digests {
  const whole = createHash('sha256')
  const md5s: Buffer[] = []
  let crc = 0
  let bytes = 0
  let hex: string | null = null

  function add(part: Buffer): { ContentMD5: string } | { ChecksumCRC32: string } {
    whole.update(part)
    bytes += part.length
    if (checksums) {
      crc = crc32(part, crc)
      return { ChecksumCRC32: base64(crc32(part)) }
    }
    const md5 = createHash('md5').update(part).digest()
    md5s.push(md5)
    return { ContentMD5: md5.toString('base64') }
  }

  /** The MD5 of a single put; of parts the MD5 of their MD5s and their number. */
  function etag(inParts: boolean): string | null {
    if (checksums) return null
    if (!inParts) return md5s[0]!.toString('hex')
    return `${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-${md5s.length}`
  }

  return {
    add,
    get bytes() {
      return bytes
    },
    sha256: () => (hex ??= whole.digest('hex')),
    crc32: () => (checksums ? base64(crc) : null),
    agrees(stated, inParts) {
      const full = stated.ChecksumType === undefined ? !inParts : stated.ChecksumType === 'FULL_OBJECT'
      if (checksums && full && stated.ChecksumCRC32 !== undefined) return stated.ChecksumCRC32 === base64(crc)
      // an ETag that differs tells nothing: with keys of its own a server may state anything
      return stated.ETag?.replaceAll('"', '') === etag(inParts) ? true : null
    },
  }
}

function base64(checksum: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(checksum)
  return bytes.toString('base64')
}
