import { tocName } from './directory/finished.ts'
import { plainName } from './directory/inventory.ts'
import { readHeader as readTarHeader, type Header } from './directory/tar.ts'
import type { Sniffed } from '../source.ts'
import { sqlTextOf } from '../sql-text.ts'

const magic = Buffer.from('PGDMP')
const customFormat = 1
const headBytes = 512 // of a member of a tar archive

/** The custom format names the database, the server and pg_dump at its front; plain SQL of pg_dump says so in a comment. */
export function sniff(head: Buffer): Sniffed | null {
  const unknown = { database: null, serverVersion: null, toolVersion: null, createdAt: null }
  if (head.subarray(0, magic.length).equals(magic)) {
    const isCustom = head[magic.length + 5] === customFormat
    return isCustom ? { format: 'custom', vague: false, ...unknown, ...readHeader(head) } : null
  }
  const toc = tocIn(head)
  if (toc) return { format: 'directory', vague: false, ...unknown, ...readHeader(toc) }
  const dialect = sqlTextOf(head)
  if (dialect !== 'postgres' && dialect !== 'any') return null
  const [, serverVersion = null] =
    /^-- Dumped from database version (\S+)/m.exec(head.toString('latin1')) ?? []
  const [, toolVersion = null] = /^-- Dumped by pg_dump version (\S+)/m.exec(head.toString('latin1')) ?? []
  return { format: 'sql', vague: dialect === 'any', ...unknown, serverVersion, toolVersion }
}

/** The table of contents of a directory of pg_dump in a tar archive, when it is the first file there. pg_dump's own tar format
 * is the same. */
function tocIn(head: Buffer): Buffer | null {
  for (let at = 0; at + headBytes <= head.length; at += headBytes) {
    const header = headerAt(head.subarray(at, at + headBytes))
    if (header === null) return null
    const content = head.subarray(at + headBytes)
    if (header.type === '5') continue
    const isToc = header.type === '0' && plainName(header) === tocName
    return isToc && content.subarray(0, magic.length).equals(magic) ? content : null
  }
  return null
}

function headerAt(block: Buffer): Header | null {
  try {
    return readTarHeader(block)
  } catch {
    return null // it is no tar archive
  }
}

/** Magic, three version bytes, sizes of integers and offsets, format; then compression, date, and three texts.
 * https://github.com/postgres/postgres/blob/REL_18_0/src/bin/pg_dump/pg_backup_archiver.c (ReadHead) */
function readHeader(head: Buffer): Partial<Sniffed> {
  try {
    const read = reader(head, magic.length)
    const [major, minor] = [read.byte(), read.byte()]
    read.byte() // revision
    read.integerBytes = read.byte()
    read.byte() // size of offsets
    read.byte() // format
    if (major > 1 || minor >= 15) read.byte()
    else read.integer()
    const [second, minute, hour, day, month, year] = Array.from({ length: 6 }, () => read.integer())
    read.integer() // daylight saving
    const createdAt = Date.UTC(1900 + year!, month, day, hour, minute, second)
    return {
      createdAt: Number.isNaN(createdAt) ? null : createdAt,
      database: read.text(),
      serverVersion: read.text(),
      toolVersion: read.text(),
    }
  } catch (error) {
    if (error instanceof RangeError) return {} // cut, or of a version to come
    throw error
  }
}

function reader(bytes: Buffer, from: number) {
  let at = from
  const self = {
    integerBytes: 4,
    byte: (): number => bytes.readUInt8(at++),
    /** A sign, then the amount, least byte first. */
    integer(): number {
      const isNegative = self.byte() !== 0
      const amount = bytes.readUIntLE(at, self.integerBytes)
      at += self.integerBytes
      return isNegative ? -amount : amount
    },
    text(): string | null {
      const length = self.integer()
      if (length < 0) return null
      if (at + length > bytes.length) throw new RangeError('cut')
      at += length
      return bytes.toString('utf8', at - length, at)
    },
  }
  return self
}
