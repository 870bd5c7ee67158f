/** What `easy-backup init` writes: a file that works once its `${…}` are set. */
export function starterFile(): string {
  return `# easy-backup. Every key: docs/configuration.md. Check this file with: easy-backup config check
# \${NAME} comes from the environment, or from a file .env beside this one.

global:
  # Slack: make an app from manifest.yml, invite it to the channel, put its tokens into .env.
  # slack:
  #   bot_token: \${SLACK_BOT_TOKEN}      # xoxb-…
  #   app_token: \${SLACK_APP_TOKEN}      # xapp-…; without it there are threads, but no commands
  #   channel_id: C0123456789            # the channel's name, About, at the bottom; an id, not a name
  #   mention_on_failure: [S0123456789]  # a user (U…) or user group (S…)

  timezone: UTC                          # such as Europe/Paris
  schedule: { every: 1d, at: "02:30" }   # or 6h, 1w, cron such as "30 2 * * 1-5", or manual
  retention: 30d                         # the newest two stay whatever their age; without this line nothing is deleted
  compression: zstd                      # or gzip, none

  # Where backups go. The folder has to exist (mkdir -p backups), best on another disk.
  storages:
    disk: { type: local, path: ./backups }

  digest: { schedule: "0 9 * * 1" }      # a summary in Slack, Mondays at 9; without this line none

  state_dir: ./data                      # what the service remembers
  temp_dir: ./tmp                        # unfinished dumps, compressed; room for the largest ones

  monitoring:
    health_check: { port: 8080, path: /health }

strategies:
  - name: my-database                    # what you type: easy-backup run my-database
    database_url: postgres://user:\${DB_PASSWORD}@host:5432/name

  # - name: my-file
  #   database_url: sqlite:///var/lib/app/app.db
  #   schedule: 6h                       # a strategy's own value wins over the global one
`
}
