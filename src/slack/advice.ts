/** What to do about the errors of Slack that somebody has to mend; null for those that pass by themselves.
 * @param detail  Slack's own error code */
export function adviceFor(detail: string): string | null {
  return advice[detail] ?? null
}

/** The app-level token is another one, copied from another page. */
export const appTokenAdvice =
  'check slack.app_token (xapp-…, with connections:write, under Basic Information), and that Socket Mode is on'

/** Something else listens where HTTP mode should. */
export const portAdvice = 'choose another slack.port or monitoring.bind, or stop the other program'

const botToken = 'copy the bot token (xoxb-…, under OAuth & Permissions) into slack.bot_token again'

const advice: Record<string, string> = {
  invalid_auth: botToken,
  not_authed: botToken,
  token_revoked: botToken,
  token_expired: botToken,
  account_inactive: botToken,
  channel_not_found:
    'check the id of the channel; a private one needs the bot in it: type /invite @easy-backup there',
  not_in_channel: 'type /invite @easy-backup in that channel',
  is_archived: 'choose another channel, or bring this one back from the archive',
  missing_scope: 'compare the app with manifest.yml, and install it to the workspace again',
}
