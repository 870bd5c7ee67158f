import { accounts } from './databases.ts'

export interface DemoPlaces {
  /** Holds everything of the demo. */
  folder: string
  /** Base of the playground's Web API. */
  apiUrl: string
  tokens: { bot: string; app: string }
  healthPort: number
  /** IANA name of the zone of whoever looks. */
  timezone: string
  /** null: PostgreSQL is not to be had. */
  postgresPort: number | null
}

/** The demo's easy-backup.yml: a real one, with comments to learn from. */
export function configuration({ folder, apiUrl, healthPort, timezone, postgresPort }: DemoPlaces): string {
  const postgres = postgresPort === null ? '' : postgresStrategies(postgresPort)
  return `# easy-backup, as the demo runs it. Every key is explained in docs/configuration.md.
# \${NAME} comes from the environment or from the file .env beside this one: no password stands here.

global:
  slack:
    bot_token: \${SLACK_BOT_TOKEN}         # xoxb-…: posts the threads
    app_token: \${SLACK_APP_TOKEN}         # xapp-…: Socket Mode, so that /backup works without an open port
    channel_id: C0BACKUPS                 # #backups. Always ids: a channel can be renamed
    channels: { failure: C0ALERTS1 }      # what needs a person goes to #alerts
    mention_on_failure: [S0DBA0001]       # and mentions the group @dba
    blocks: rich                          # tables that sort; older Slack servers get plain ones
    api_url: ${apiUrl}   # the playground; without this line it is the real Slack

  access:                                 # without it only admins and owners of the workspace restore
    restore: [S0DBA0001]                  # @dba: Alice and Carol
    approve: [S0DBA0001]                  # and each is the other's second person

  timezone: ${timezone}   # all times below are wall time there; this machine's own zone
  retention: 30d                          # older backups go; the newest two stay whatever their age
  compression: zstd                       # gzip and none exist too
  digest: { schedule: "0 9 * * 1" }       # a summary each Monday at 9; /backup digest shows it now
  storages:
    disk: { type: local, path: ${folder}/backups }
  state_dir: ${folder}/state
  temp_dir: ${folder}/temp
  monitoring:
    health_check: { port: ${healthPort}, path: /health }

strategies:${postgres}
  - name: crm
    database_url: sqlite://${folder}/crm.db   # copied while it is in use
    schedule: 12h
    tags: [sales]
    drill:                                # a real restore, compared and thrown away: /backup drill crm
      schedule: { every: 1w, on: sunday, at: "04:00" }
      checks:
        - { name: deals have contacts, sql: "SELECT count(*) FROM deals LEFT JOIN contacts ON contacts.id = contact_id WHERE contacts.id IS NULL", expect: 0 }
        - { name: deals, sql: "SELECT count(*) FROM deals", expect: { min: 1000 } }

  - name: newsletter                      # its drill fails on purpose: the data is not what the check says
    database_url: sqlite://${folder}/newsletter.db
    schedule: 1d
    tags: [sales]
    drill:
      checks:
        - { name: nobody who left gets mail, sql: "SELECT count(DISTINCT subscribers.id) FROM deliveries JOIN subscribers ON subscribers.id = subscriber_id JOIN mails ON mails.id = mail_id WHERE sent_at > left_at", expect: 0 }

  - name: payroll                         # its drill cannot tell: only who has the key can read these backups
    database_url: sqlite://${folder}/payroll.db
    schedule: 1d
    encryption:
      type: age
      recipients: [${recipient}]
      waive_decrypt_test: true            # else a person has to show first that the key is at hand
    drill: {}
`
}

/** A public key whose private one nobody has. */
const recipient = 'age1wx7p8dx9z8cgadlymfuefh8frf3f8ag3l8jamw7u62tkl2husugsp83twr'

function postgresStrategies(port: number): string {
  return `
  - name: production-db                   # what you type: /backup run production-db
    database_url: postgres://${accounts.backup}:\${BACKUP_PASSWORD}@127.0.0.1:${port}/shop
    schedule: 6h                          # 00:00, 06:00, 12:00, 18:00
    tags: [prod, shop]
    protected: true                       # overwriting it needs a second person
    restore:                              # another account, used only when somebody confirmed a restore
      database_url: postgres://${accounts.owner}:\${OWNER_PASSWORD}@127.0.0.1:${port}/shop
    drill:                                # in a PostgreSQL of its own: /backup drill production-db
      schedule: { every: 1w, on: sunday, at: "03:00" }
      checks:
        - { name: orders of this week, sql: "SELECT count(*) FROM orders WHERE placed_at > now() - interval '7 days'", expect: { min: 1 } }
        - { name: paid orders have payments, sql: "SELECT count(*) FROM orders WHERE status <> 'placed' AND NOT EXISTS (SELECT FROM payments WHERE order_id = orders.id)", expect: 0 }

  - name: analytics-db
    database_url: postgres://${accounts.backup}:\${BACKUP_PASSWORD}@127.0.0.1:${port}/analytics
    schedule: { every: 1d, at: "02:30" }
    tags: [prod]
    restore:
      database_url: postgres://${accounts.owner}:\${OWNER_PASSWORD}@127.0.0.1:${port}/analytics
`
}

/** The secrets, as they stand in .env. */
export function environmentFile(
  { tokens }: DemoPlaces,
  passwords: { backup: string; owner: string } | null,
): string {
  const lines = [`SLACK_BOT_TOKEN=${tokens.bot}`, `SLACK_APP_TOKEN=${tokens.app}`]
  if (passwords) lines.push(`BACKUP_PASSWORD=${passwords.backup}`, `OWNER_PASSWORD=${passwords.owner}`)
  return `${lines.join('\n')}\n`
}
