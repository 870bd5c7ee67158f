import { defaults } from '../defaults.ts'

/** The parts of the reference page that no schema can tell. */
export const introduction = `easy-backup reads one YAML file: \`./easy-backup.yml\`, else \`/etc/easy-backup/config.yml\`, or the one named with \`--config\`.
\`easy-backup init\` writes a commented one to start from, \`easy-backup config check\` says what is wrong with yours, and
\`easy-backup config print\` shows what was understood, with secrets as \`***\`.

The smallest file that does something useful:

\`\`\`yaml
global:
  storages:
    disk: { type: local, path: /mnt/backups }
strategies:
  - name: shop
    database_url: postgres://backup:\${DB_PASSWORD}@db.example.com:5432/shop
\`\`\`

It backs up one database every day at midnight (${defaults.timezone}) and never deletes anything. \`global\` holds what is the same for every
database; each _strategy_ is one database, and whatever it sets itself wins. [example.yml](../config/example.yml) shows most keys at work.

A mistake stops the start, and all of them are listed at once, each with its place and what to write instead:

\`\`\`
easy-backup.yml:7:5  global.slak  unknown key  did you mean slack?
\`\`\`

For completion in an editor, begin the file with \`# yaml-language-server: $schema=\` and the path of \`config/schema.json\`.`

export const forms = `| form | written | means |
|---|---|---|
| duration | \`30s\` \`15m\` \`6h\` \`1d\` \`2w\` \`1h30m\` | \`m\` is minutes; a number always has its unit |
| schedule | \`6h\` | aligned to midnight in the strategy’s time zone: 00:00, 06:00, 12:00, 18:00; \`1d\` is midnight, \`1w\` Monday at midnight |
| | \`{ every: 1d, at: "02:30" }\` | once a day at this time; \`{ every: 1w, on: sunday, at: "03:00" }\` once a week |
| | \`"30 2 * * 1-5"\` | cron with five fields, or \`@hourly\` \`@daily\` \`@weekly\` \`@monthly\` |
| | \`manual\` | never by itself |
| channel id | \`C0123456789\` | in Slack: the channel’s name, About, at the bottom. Names change, ids do not |
| database URL | \`postgres://user:password@host:5432/name\` | special characters of a password as \`%XX\`; not needed where it comes from \`\${…}\` |
| folder | \`./backups\` | relative to the folder of the configuration file |`

export const outside = `In every value, not in keys:

| written | becomes |
|---|---|
| \`\${DB_PASSWORD}\` | the environment variable; a mistake when it is not set or empty |
| \`\${REGION:-eu}\` | the same, or \`eu\` |
| \`\${APP_TOKEN:-}\` | when it is not set, as if the key were not there |
| \`\${file:/run/secrets/db}\` | the content of that file, without its last line break; always hidden |
| \`$\${HOME}\` | \`\${HOME}\`, unchanged |

A file named \`.env\` beside the configuration is read too (\`NAME=value\`, one a line); the environment wins over it. Inside \`{ }\` or \`[ ]\` YAML
wants quotes: \`{ path: "\${BACKUPS}" }\`. Passwords, tokens, what comes from files, and variables whose name says \`PASSWORD\`, \`SECRET\` or \`TOKEN\` are
shown as \`***\` wherever they could appear.`

export const merging = `A strategy’s own value replaces the global one. \`slack\`, \`retry\`, \`timeout\`, \`expect\` and \`restore\` are merged key by key. A strategy’s own
\`slack.channel_id\` also beats the global \`slack.channels\`.`
