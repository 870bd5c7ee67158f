import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linkRemark, renderReply, replyJson } from '../../src/cli/render.ts'

const link = {
  backup: 'shop-20261120T060000Z-k3f9',
  strategy: 'shop',
  file: 'shop-20261120T060000Z-k3f9-shop.dump.zst',
  storage: 's3',
  bytes: 341e6,
  sha256: 'ab'.repeat(32),
  url: 'https://s3.example.com/backups/shop?X-Amz-Signature=0123&x=\u001b[31m',
  expiresAt: 900_000,
}
const look = { width: null, colours: false, now: 0 }

test('a link stands alone on standard output, ready for curl, and what it is of beside it', () => {
  const shown = renderReply({ type: 'link', link }, look)
  assert.equal(shown, 'https://s3.example.com/backups/shop?X-Amz-Signature=0123&x=')
  assert.equal(
    linkRemark(link, look),
    `${link.file} · 341 MB · from s3 · the link ends in 15 min; whoever has it can read the backup\nSHA-256 ${link.sha256}`,
  )
  assert.deepEqual(replyJson({ type: 'link', link }), link)
})
