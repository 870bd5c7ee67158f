import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { appendFile, mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test, type TestContext } from 'node:test'
import { createTarReader } from '../../../../src/sources/postgres/directory/tar-reader.ts'
import { tarOf } from '../../../../src/sources/postgres/directory/tar-writer.ts'
import { memberHeader, type Header } from '../../../../src/sources/postgres/directory/tar.ts'
import { temporary } from '../../../contracts/source.ts'

const stamp = { owner: 'easy-backup', group: 'r202611210600abcd', at: 1_795_240_800 }
const sizes = [0, 1, 511, 512, 513, 300_000]

/** Files of these sizes, in an archive that removed them. */
async function makeArchive(t: TestContext): Promise<{ folder: string; archive: Buffer }> {
  const folder = await temporary(t)
  const names = sizes.map((size) => `${size}.dat`)
  await mkdir(join(folder, 'files'))
  for (const size of sizes) await writeFile(join(folder, 'files', `${size}.dat`), contentOf(size))
  async function* asTheyCome(): AsyncGenerator<string> {
    yield* names
  }
  const stream = tarOf(join(folder, 'files'), asTheyCome(), { inside: 'shop.dir', stamp })
  return { folder, archive: Buffer.concat(await stream.toArray()) }
}

function contentOf(size: number): Buffer {
  return Buffer.alloc(size, `${size} `)
}

/** @returns members with what they hold */
function read(archive: Buffer, chunkBytes = archive.length): { member: Header; content: Buffer }[] {
  const found: { member: Header; chunks: Buffer[] }[] = []
  const reader = createTarReader((member) => {
    const chunks: Buffer[] = []
    found.push({ member, chunks })
    return { take: (chunk) => void chunks.push(Buffer.from(chunk)), end: () => undefined }
  })
  for (let at = 0; at < archive.length; at += chunkBytes) reader.take(archive.subarray(at, at + chunkBytes))
  reader.end()
  return found.map(({ member, chunks }) => ({ member, content: Buffer.concat(chunks) }))
}

suite('a tar archive', () => {
  test('is unpacked by the stock tar, and each file was removed once it was in', async (t) => {
    const { folder, archive } = await makeArchive(t)
    assert.deepEqual(readdirSync(join(folder, 'files')), [])
    await writeFile(join(folder, 'a.tar'), archive)
    execFileSync('tar', ['-xf', 'a.tar'], { cwd: folder })
    for (const size of sizes)
      assert.deepEqual(readFileSync(join(folder, 'shop.dir', `${size}.dat`)), contentOf(size))
  })

  test('is read here in chunks cut anywhere', async (t) => {
    const { archive } = await makeArchive(t)
    for (const chunkBytes of [1, 511, 700, 65_536]) {
      const members = read(archive, chunkBytes)
      assert.deepEqual(
        members.map(({ member }) => member),
        sizes.map((size) => ({ name: `shop.dir/${size}.dat`, type: '0', size, ...stamp })),
      )
      for (const { member, content } of members) assert.deepEqual(content, contentOf(member.size))
    }
  })

  test('that was cut anywhere is refused, also between two files', async (t) => {
    const { archive } = await makeArchive(t)
    const steps = [...Array(archive.length >> 9).keys()].map((block) => block * 512)
    for (const length of [...steps, 1, 513, archive.length - 1, archive.length - 511])
      assert.throws(() => read(archive.subarray(0, length)), /cut/, `${length}`)
  })

  test('with a damaged header, something behind its end, or a link is refused', async (t) => {
    const { folder, archive } = await makeArchive(t)
    const damaged = Buffer.from(archive)
    damaged[130]! ^= 1
    assert.throws(() => read(damaged), /damaged/)
    assert.throws(
      () => read(Buffer.concat([archive, memberHeader({ name: 'x', size: 0 }, stamp)])),
      /behind its end/,
    )
    execFileSync('sh', ['-c', 'ln -s /etc/passwd link && tar -cf link.tar link'], { cwd: folder })
    assert.throws(() => read(readFileSync(join(folder, 'link.tar'))), /something else than files/)
  })

  test('may hold more than 8 GiB in one file, for us and for the stock tar', async (t) => {
    const size = 9 * 2 ** 30
    const header = memberHeader({ name: 'shop.dir/1.dat', size }, stamp)
    const members: Header[] = []
    const reader = createTarReader((member) => (members.push(member), null))
    reader.take(header)
    assert.deepEqual(members, [{ name: 'shop.dir/1.dat', type: '0', size, ...stamp }])
    const path = join(await temporary(t), 'huge.tar')
    await writeFile(path, header)
    await truncate(path, header.length + size) // takes no room
    await appendFile(path, Buffer.alloc(1024))
    const listed = execFileSync('tar', ['-tvf', path], { encoding: 'utf8' })
    assert.match(
      listed,
      new RegExp(`^-rw------- easy-backup/r202611210600abcd ${size} .* shop\\.dir/1\\.dat\\n$`),
    )
  })

  test('of the stock tar is read, large sizes too', async (t) => {
    const { folder } = await makeArchive(t)
    execFileSync('sh', ['-c', 'truncate -s 9G huge && tar -cf - huge 2>/dev/null | head -c 4096 > front'], {
      cwd: folder,
    })
    for (const format of ['gnu', 'posix', 'ustar']) {
      await writeFile(join(folder, '7.dat'), 'seven')
      execFileSync('tar', [`--format=${format}`, '-cf', 'b.tar', '7.dat'], { cwd: folder })
      assert.equal(read(readFileSync(join(folder, 'b.tar')))[0]!.content.toString(), 'seven')
    }
    const members: Header[] = []
    createTarReader((member) => (members.push(member), null)).take(readFileSync(join(folder, 'front')))
    assert.equal(members[0]!.size, 9 * 2 ** 30)
  })
})
