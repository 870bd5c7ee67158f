import type { House } from '../house.ts'
import { app, team } from '../people.ts'
import type { Json } from '../validate/rules.ts'
import { chat } from './chat.ts'
import { directory } from './directory.ts'
import { files } from './files.ts'
import type { Method } from './method.ts'
import { scheduled } from './scheduled.ts'
import { views } from './views.ts'

/** Every Web API method the playground knows; any other is `unknown_method`. */
export const methods: Record<string, Method> = {
  'api.test': { args: { error: 'string', foo: 'string' }, run: (args) => ({ ok: true, args }) },
  'auth.test': { args: {}, run: authTest },
  'apps.connections.open': { token: 'app', scope: 'connections:write', args: {}, run: openConnection },
  ...chat,
  ...scheduled,
  ...views,
  ...directory,
  ...files,
}

function authTest(_args: Json, house: House): Json {
  return {
    ok: true,
    url: `${house.url}/`,
    team: team.name,
    team_id: team.id,
    user: app.name,
    user_id: app.userId,
    bot_id: app.botId,
    is_enterprise_install: false,
  }
}

function openConnection(_args: Json, house: House): Json {
  return {
    ok: true,
    url: `${house.url.replace('http', 'ws')}/link?ticket=${house.socket.ticket()}&app_id=${app.id}`,
  }
}
