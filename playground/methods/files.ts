import type { House } from '../house.ts'
import { Refusal, refusal } from '../refusal.ts'
import { isObject } from '../validate/rules.ts'
import type { Json } from '../validate/rules.ts'
import { newId } from '../workspace.ts'
import { text, writableChannel } from './method.ts'
import type { Method } from './method.ts'

export const files: Record<string, Method> = {
  'files.getUploadURLExternal': {
    scope: 'files:write',
    args: {
      filename: 'string!',
      length: 'integer!',
      alt_text: 'string',
      alt_txt: 'string',
      snippet_type: 'string',
    },
    run: uploadUrl,
  },
  'files.completeUploadExternal': {
    scope: 'files:write',
    args: {
      files: 'json!',
      channel_id: 'string',
      channels: 'string',
      thread_ts: 'string',
      initial_comment: 'string',
      blocks: 'json',
    },
    run: complete,
  },
}

function uploadUrl(args: Json, house: House): Json {
  const name = text(args['filename'])
  const length = Number(args['length'])
  if (length <= 0) throw refusal('invalid_arguments', ['[ERROR] must be more than 0 [json-pointer:/length]'])
  const file = { id: newId('F'), name, title: name, bytes: Buffer.alloc(0), uploaded: false, shared: false }
  house.workspace.files.set(file.id, file)
  return { ok: true, upload_url: `${house.url}/upload/${file.id}?length=${length}`, file_id: file.id }
}

/** The bytes of one upload; they must be as many as were announced. */
export function receiveUpload(
  house: House,
  id: string,
  length: number,
  bytes: Buffer,
): { status: number; text: string } {
  const file = house.workspace.files.get(id)
  if (file === undefined) return { status: 404, text: 'not found' }
  if (bytes.length !== length) return { status: 400, text: 'length mismatch' }
  Object.assign(file, { bytes, uploaded: true })
  return { status: 200, text: `OK - ${bytes.length}` }
}

function complete(args: Json, house: House): Json {
  if (!Array.isArray(args['files']) || args['files'].length === 0)
    throw refusal('invalid_arguments', ['[ERROR] must be an array [json-pointer:/files]'])
  const stored = args['files'].map((one: unknown) => {
    const file = isObject(one) ? house.workspace.files.get(text(one['id'])) : undefined
    if (file === undefined || !file.uploaded || file.shared) throw new Refusal('file_not_found')
    return Object.assign(file, {
      title: isObject(one) && typeof one['title'] === 'string' ? one['title'] : file.name,
    })
  })
  if (args['channel_id'] !== undefined || args['channels'] !== undefined) {
    const channel = writableChannel({ channel: args['channel_id'] ?? args['channels'] }, house)
    const threadTs = args['thread_ts']
    if (threadTs !== undefined && house.workspace.find(channel.id, text(threadTs)) === undefined)
      throw new Refusal('invalid_thread_ts')
    for (const file of stored) file.shared = true
    house.workspace.post({
      channel: channel.id,
      text: text(args['initial_comment']),
      files: stored,
      ...(threadTs === undefined ? {} : { threadTs: text(threadTs) }),
    })
  }
  return {
    ok: true,
    files: stored.map(({ id, name, title }) => ({ id, name, title, permalink: `${house.url}/files/${id}` })),
  }
}
