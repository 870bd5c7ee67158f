import type { TestContext } from 'node:test'
import { startWebServer, type Answer, type Heard, type WebServer } from './web-server.ts'

/** Stands in for Discord's webhooks: it refuses what Discord refuses (docs of "Execute Webhook" and of embeds). */
export async function startDiscord(
  t: TestContext,
  certificate: { key: string; cert: string },
  token: string,
): Promise<WebServer & { hook: string }> {
  const web = await startWebServer(t, certificate)
  const path = `/api/webhooks/123456789012345678/${token}`
  web.answer = { status: 204 }
  web.judge = (heard) => judge(heard, path)
  return Object.assign(web, { hook: `${web.url}${path}` })
}

function judge({ method, path, headers, body }: Heard, wanted: string): Answer | null {
  if (path.split('?')[0] !== wanted) return refused(404, { message: 'Unknown Webhook', code: 10015 })
  if (method !== 'POST') return refused(405, { message: '405: Method Not Allowed', code: 0 })
  if (headers['content-type'] !== 'application/json')
    return refused(400, { message: 'Expected "Content-Type" header', code: 50035 })
  const wrong = wrongIn(JSON.parse(body) as Record<string, unknown>)
  return wrong === null ? null : refused(400, { message: `Invalid Form Body: ${wrong}`, code: 50035 })
}

const refused = (status: number, body: unknown): Answer => ({ status, body: JSON.stringify(body) })

const keys = ['content', 'username', 'avatar_url', 'tts', 'embeds', 'allowed_mentions', 'flags']
const embedKeys = ['title', 'description', 'url', 'timestamp', 'color', 'footer', 'author', 'fields']

interface Embed {
  title?: string
  description?: string
  timestamp?: string
  color?: number
  footer?: { text: string }
  fields?: { name: string; value: string; inline?: boolean }[]
}

function wrongIn(message: Record<string, unknown>): string | null {
  const unknown = Object.keys(message).find((key) => !keys.includes(key))
  if (unknown !== undefined) return `unknown field ${unknown}`
  const { content, embeds = [], allowed_mentions: mentions } = message
  if (content === undefined && (embeds as []).length === 0) return 'Cannot send an empty message'
  if (typeof content === 'string' && content.length > 2000) return 'content'
  if (JSON.stringify(mentions) !== '{"parse":[]}') return 'somebody may be called'
  const all = embeds as Embed[]
  if (all.length > 10) return 'embeds'
  const total = all.flatMap(textsOf).reduce((sum, text) => sum + text.length, 0)
  return total > 6000 ? 'embeds: MAX_EMBED_SIZE_EXCEEDED' : (all.map(wrongEmbed).find(Boolean) ?? null)
}

function textsOf({ title = '', description = '', footer, fields = [] }: Embed): string[] {
  return [title, description, footer?.text ?? '', ...fields.flatMap(({ name, value }) => [name, value])]
}

function wrongEmbed(embed: Embed): string | null {
  const { title = '', description = '', timestamp, color, footer, fields = [] } = embed
  const unknown = Object.keys(embed).find((key) => !embedKeys.includes(key))
  if (unknown !== undefined) return `embeds[0].${unknown}`
  if (title.length > 256 || description.length > 4096) return 'too long'
  if (timestamp !== undefined && new Date(timestamp).toISOString() !== timestamp) return 'timestamp'
  if (color !== undefined && !(Number.isInteger(color) && color >= 0 && color <= 0xffffff)) return 'color'
  if (footer !== undefined && footer.text.length > 2048) return 'footer'
  if (fields.length > 25) return 'fields'
  const odd = fields.find(
    ({ name, value }) => !name.trim() || !value.trim() || name.length > 256 || value.length > 1024,
  )
  return odd === undefined ? null : `fields: ${JSON.stringify(odd).slice(0, 80)}`
}
