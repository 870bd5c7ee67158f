/** What Slack refuses: every number the playground enforces. It stands for Slack's documentation
 * (docs.slack.dev, 2026) and shares nothing with the limits our own code keeps, so that one can test the other. */
export const limits = {
  message: { blocks: 50, text: 4000, blocksText: 12_000, metadataBytes: 16_000 },
  view: { blocks: 100, bytes: 250_000, title: 24, submit: 24, close: 24, privateMetadata: 3000, stack: 3 },
  id: 255,
  text: 3000,
  section: { text: 3000, fields: 10, fieldText: 2000 },
  header: 150,
  context: 10,
  contextActions: 5,
  actions: 25,
  image: { altText: 2000, title: 2000, url: 3000 },
  input: { label: 2000, hint: 2000 },
  alert: 200,
  markdown: 12_000,
  button: { text: 75, value: 2000, url: 3000, accessibilityLabel: 75 },
  select: { options: 100, optionGroups: 100 },
  overflow: 5,
  choices: 10,
  option: { text: 75, value: 75, description: 75, groupLabel: 75 },
  placeholder: 150,
  confirm: { title: 100, text: 300, button: 30 },
  textInput: 3000,
  table: { rows: 100, columns: 20, characters: 10_000, perMessage: 1 },
  dataTable: { rows: 201, columns: 20, characters: 20_000, pageSize: 100 },
  chart: { perMessage: 2, title: 50, points: 20, series: 6, segments: 6, label: 20, axisLabel: 50 },
  plan: { tasks: 50 },
  schedule: { aheadMs: 120 * 24 * 3600_000, windowMs: 5 * 60_000, perWindow: 30, frozenMs: 60_000 },
  ackMs: 3000,
  triggerMs: 3000,
  responseUrl: { uses: 5, ttlMs: 30 * 60_000 },
  connections: 10,
} as const

export interface Rate {
  /** Calls a minute that Slack grants for ever. */
  perMinute: number
  /** Calls that may come at once before the rate is enforced. */
  burst: number
  /** What has its own count: a channel, or the whole workspace. */
  per: 'channel' | 'workspace'
}

const tier = (perMinute: number): Rate => ({ perMinute, burst: perMinute, per: 'workspace' })

/** Slack tolerates short bursts of posts without naming a number: 5 is what we grant. */
export const rates: Record<string, Rate> = {
  'chat.postMessage': { perMinute: 60, burst: 5, per: 'channel' },
  'chat.update': tier(50),
  'chat.delete': tier(50),
  'chat.postEphemeral': tier(100),
  'chat.scheduleMessage': tier(50),
  'chat.scheduledMessages.list': tier(50),
  'chat.deleteScheduledMessage': tier(50),
  'chat.getPermalink': tier(600),
  'views.open': tier(100),
  'views.push': tier(100),
  'views.update': tier(100),
  'views.publish': tier(100),
  'users.info': tier(100),
  'users.list': tier(20),
  'usergroups.list': tier(20),
  'usergroups.users.list': tier(20),
  'conversations.info': tier(50),
  'conversations.list': tier(20),
  'conversations.open': tier(50),
  'files.getUploadURLExternal': tier(100),
  'files.completeUploadExternal': tier(100),
  'apps.connections.open': { perMinute: 1, burst: 10, per: 'workspace' },
  'auth.test': tier(600),
}
