/** The workspace everybody gets unless they bring their own: ids never change, so tests and configuration may name them. */
import type { Channel, Person, Usergroup } from './model.ts'

export const team = { id: 'T0EASYBKP', domain: 'lumen-labs', name: 'Lumen Labs' } as const
export const app = { id: 'A0EASYBKP', name: 'easy-backup', botId: 'B0EASYBKP', userId: 'U0EASYBKP' } as const

export const defaultPeople: Person[] = [
  { id: 'U0ALICE01', handle: 'alice', name: 'Alice Martin', title: 'CTO', kind: 'owner' },
  { id: 'U0BOB0001', handle: 'bob', name: 'Bob Okafor', title: 'Backend engineer', kind: 'member' },
  { id: 'U0CAROL01', handle: 'carol', name: 'Carol Jensen', title: 'Database engineer', kind: 'member' },
  { id: 'U0GUS0001', handle: 'gus', name: 'Gus Romero', title: 'Contractor', kind: 'guest' },
  { id: 'U0DAVE001', handle: 'dave', name: 'Dave Lind', title: 'Left in spring', kind: 'deactivated' },
  { id: app.userId, handle: app.name, name: app.name, kind: 'bot' },
]

export const defaultGroups: Usergroup[] = [
  { id: 'S0DBA0001', handle: 'dba', name: 'Database team', members: ['U0ALICE01', 'U0CAROL01'] },
]

const staff = ['U0ALICE01', 'U0BOB0001', 'U0CAROL01']

export const defaultChannels: Channel[] = [
  { id: 'C0GENERAL', name: 'general', topic: 'Company-wide announcements', members: staff },
  {
    id: 'C0BACKUPS',
    name: 'backups',
    topic: 'One thread per backup',
    members: [...staff, 'U0GUS0001', app.userId],
  },
  { id: 'C0ALERTS1', name: 'alerts', topic: 'Only what needs a person', members: [...staff, app.userId] },
]

export const defaultTokens = {
  bot: 'xoxb-playground-bot',
  app: 'xapp-playground-app',
  signingSecret: 'playground-signing-secret',
} as const

/** What the app's manifest asks for. */
export const defaultScopes = [
  'chat:write',
  'commands',
  'files:write',
  'usergroups:read',
  'users:read',
  'channels:read',
  'groups:read',
  'chat:write.public',
  'connections:write',
]

export const slackbot = { id: 'USLACKBOT', name: 'Slackbot' } as const
