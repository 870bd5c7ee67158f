/** What the app asks for, as in `manifest.yml`; each with what does not work without it. */
export const requiredScopes = {
  'chat:write': 'posting threads and answers',
  commands: 'the /backup command',
  'files:write': 'attaching logs',
  'usergroups:read': 'looking up who is in a group of `access`: its members are refused',
  'users:read': 'looking up who somebody is: every command and click is refused',
} as const

export const optionalScopes = {
  'channels:read': 'checking that a channel exists',
  'groups:read': 'checking that a private channel exists',
  'chat:write.public': 'posting to public channels without an invitation',
} as const

/** Events the manifest subscribes to. */
export const events = ['app_home_opened', 'subteam_members_changed', 'subteam_updated'] as const

/** Wanted scopes that were not granted, with what they are for.
 * @param wanted.groups  the configuration names user groups whose members only Slack knows */
export function missingScopes(
  granted: readonly string[],
  wanted: { groups: boolean },
): { scope: string; needed: boolean; without: string }[] {
  const rows = (
    scopes: Record<string, string>,
    needed: boolean,
  ): { scope: string; needed: boolean; without: string }[] =>
    Object.entries(scopes)
      .filter(([scope]) => !granted.includes(scope))
      .map(([scope, without]) => ({ scope, needed, without }))
  const required = rows(requiredScopes, true).filter(
    ({ scope }) => wanted.groups || scope !== 'usergroups:read',
  )
  return [...required, ...rows(optionalScopes, false)]
}
