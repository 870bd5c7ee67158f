import type { TestContext } from 'node:test'
import { startWebServer, type Answer, type Heard, type WebServer } from './web-server.ts'

export interface Duty extends WebServer {
  enqueue: string
  /** Its incidents by dedup_key, as the events that it took left them. */
  incidents: Map<string, 'triggered' | 'acknowledged' | 'resolved'>
}

type Event = Record<string, unknown> & { payload?: Record<string, unknown> }

/** Stands in for PagerDuty's Events API v2: it refuses what PagerDuty refuses, and keeps incidents by dedup_key. */
export async function startPagerduty(
  t: TestContext,
  certificate: { key: string; cert: string } | null,
  routingKey: string,
): Promise<Duty> {
  const web = await startWebServer(t, certificate)
  const incidents: Duty['incidents'] = new Map()
  web.answer = { status: 202, body: '{"status":"success","message":"Event processed"}' }
  web.judge = (heard) => {
    const wrong = wrongIn(heard, routingKey)
    if (wrong !== null) return invalid(wrong)
    if (web.answer.status === 202) note(JSON.parse(heard.body) as Event, incidents)
    return null
  }
  return Object.assign(web, { enqueue: `${web.url}/v2/enqueue`, incidents })
}

function invalid(why: string): Answer {
  const said = { status: 'invalid event', message: 'Event object is invalid', errors: [why] }
  return { status: 400, body: JSON.stringify(said) }
}

function note(event: Event, incidents: Duty['incidents']): void {
  const key = String(event.dedup_key)
  const was = incidents.get(key)
  const isOpen = was === 'triggered' || was === 'acknowledged'
  if (event.event_action === 'trigger') incidents.set(key, isOpen ? was : 'triggered')
  else if (isOpen) incidents.set(key, event.event_action === 'resolve' ? 'resolved' : 'acknowledged')
}

const keys = ['routing_key', 'event_action', 'dedup_key', 'payload', 'images', 'links', 'client', 'client_url'] // prettier-ignore
const payloadKeys = ['summary', 'source', 'severity', 'timestamp', 'component', 'group', 'class', 'custom_details'] // prettier-ignore

function wrongIn({ method, path, body }: Heard, routingKey: string): string | null {
  if (method !== 'POST' || path !== '/v2/enqueue') return 'no such address'
  if (Buffer.byteLength(body) > 512 * 1024) return 'larger than 512 KB'
  const event = JSON.parse(body) as Event
  const unknown = Object.keys(event).find((key) => !keys.includes(key))
  if (unknown !== undefined) return `'${unknown}' is unknown`
  const { routing_key: key, event_action: action, dedup_key: dedup, payload } = event
  if (key !== routingKey) return "'routing_key' is invalid"
  if (!['trigger', 'acknowledge', 'resolve'].includes(String(action))) return "'event_action' is invalid"
  if (typeof dedup === 'string' ? dedup.length > 255 : action !== 'trigger') return "'dedup_key' is missing"
  if (action !== 'trigger') return null
  return payload === undefined ? "'payload' is missing" : wrongPayload(payload)
}

function wrongPayload(payload: Record<string, unknown>): string | null {
  const unknown = Object.keys(payload).find((key) => !payloadKeys.includes(key))
  if (unknown !== undefined) return `'payload.${unknown}' is unknown`
  const { summary, source, severity, timestamp, custom_details: details } = payload
  if (typeof summary !== 'string' || summary === '' || summary.length > 1024) return "'payload.summary'"
  if (typeof source !== 'string' || source === '') return "'payload.source' is missing"
  if (!['critical', 'error', 'warning', 'info'].includes(String(severity))) return "'payload.severity'"
  if (timestamp !== undefined && Number.isNaN(Date.parse(timestamp as string))) return "'payload.timestamp'"
  return typeof details === 'object' ? null : "'payload.custom_details'"
}
