import { Type } from 'typebox'
import { strategyOfRequest, type AnyRequestView } from '../core/model.ts'
import { defineCommand } from './command.ts'
import { plural } from './phrases.ts'
import { text, type TableRow } from './reply.ts'
import { askedFor, standing } from './request-words.ts'

export const requests = defineCommand({
  name: 'requests',
  aliases: [],
  summary: 'What waits for somebody’s word, and what was approved and is not done yet',
  usage: '',
  role: 'view',
  open: true,
  faces: ['slack', 'cli'],
  args: Type.Object({}),
  positional: [],
  async run(_args, { engine }) {
    const names = engine.strategyNames()
    const open = (await engine.requests()).filter((one) => names.includes(strategyOfRequest(one)))
    return {
      type: 'table',
      table: {
        title: 'Requests',
        summary: open.length === 0 ? 'nothing waits' : `${plural(open.length, 'open request')}`,
        columns: [
          { key: 'request', label: 'Request' },
          { key: 'what', label: 'What' },
          { key: 'by', label: 'Asked by' },
          { key: 'state', label: 'State' },
          { key: 'expires', label: 'Expires' },
        ],
        rows: open.map(rowOf),
        empty: 'nothing waits for anybody',
        data: open,
      },
    }
  },
})

function rowOf(request: AnyRequestView): TableRow {
  const { id, requester, state, needs, expiresAt, startBy } = request
  const turn = state === 'waiting' && needs.second ? 'waits for a second person' : standing[state]
  return {
    id,
    cells: {
      request: { kind: 'code', text: id },
      what: text(askedFor(request)),
      by: text(requester.id),
      state: text(turn),
      expires: { kind: 'instant', at: startBy ?? expiresAt, as: 'in' },
    },
    data: request,
  }
}
