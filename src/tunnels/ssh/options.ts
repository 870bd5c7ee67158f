import { Type, type Static } from 'typebox'
import { fingerprintExample, fingerprintForm } from '../../sys/ssh/host-keys.ts'

const file = (description: string, example: string) =>
  Type.Optional(Type.String({ minLength: 1, folder: true, description, examples: [example] }))

/** What one server of SSH needs. */
const hopKeys = {
  host: Type.String({ minLength: 1, description: 'Name or address', examples: ['bastion.example.com'] }),
  port: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 65_535, default: 22, description: 'Port', examples: [2222] }),
  ),
  user: Type.String({ minLength: 1, description: 'Who logs in', examples: ['backup'] }),
  private_key_file: file(
    'File with the private key, relative to this file; `~` stands for nothing',
    './keys/bastion',
  ),
  passphrase: Type.Optional(
    Type.String({
      minLength: 1,
      secret: true,
      description: 'Opens the private key',
      examples: ['${KEY_PASSPHRASE}'],
    }),
  ),
  password: Type.Optional(
    Type.String({
      minLength: 1,
      secret: true,
      description: 'In place of a key',
      examples: ['${SSH_PASSWORD}'],
    }),
  ),
  agent: Type.Optional(
    Type.Union([Type.Boolean(), Type.String({ minLength: 1, folder: true })], {
      description: 'In place of a key: the agent of `SSH_AUTH_SOCK` (`true`), or of this socket',
      expected: 'true, or the path of a socket',
      examples: [true],
    }),
  ),
  fingerprint: Type.Optional(
    Type.Union([Type.String(fingerprintForm), Type.Array(Type.String(fingerprintForm), { minItems: 1 })], {
      description:
        'What the host key has to be, as `ssh-keyscan HOST | ssh-keygen -lf -` prints it; several while keys are changed',
      expected: 'a fingerprint (SHA256:…), or a list of them',
      examples: [fingerprintExample],
    }),
  ),
  known_hosts: file('In place of `fingerprint`: a file as `ssh` keeps it', './known_hosts'),
}

const hop = Type.Object(hopKeys, { additionalProperties: false, description: 'A server of SSH' })

export const sshOptions = Type.Object(
  {
    ...hopKeys,
    jump: Type.Optional(
      Type.Union([hop, Type.Array(hop, { minItems: 1, maxItems: 8 })], {
        description:
          'Another server that the way goes through first, with the same keys as above; a list is passed in its order',
        expected: 'a group with host and user, or a list of such',
        examples: [
          {
            host: 'gate.example.com',
            user: 'backup',
            private_key_file: './keys/gate',
            fingerprint: fingerprintExample,
          },
        ],
      }),
    ),
  },
  { additionalProperties: false, description: 'The last server, which reaches the database' },
)

export type HopOptions = Static<typeof hop>
export type SshOptions = Static<typeof sshOptions>
