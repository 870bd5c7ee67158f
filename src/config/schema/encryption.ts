import { Type } from 'typebox'
import { defaults } from '../defaults.ts'
import { flag, group, reading, text } from './words.ts'

const rule = group(
  {
    type: Type.Unsafe<'age' | 'gpg'>({
      type: 'string',
      enum: ['age', 'gpg'],
      description: 'Format of the stored files, which the program of this name decrypts',
      examples: ['age'],
    }),
    recipients: Type.Optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description:
          'Who can decrypt: age: public keys (`age1…`); gpg: files with exported public keys. This host cannot read its own backups, unless there is an `identity_file`',
        expected: 'a list of public keys',
        examples: [['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p']],
      }),
    ),
    passphrase: Type.Optional(
      Type.String({
        minLength: 1,
        secret: true,
        description: 'In place of `recipients`: one secret that encrypts and decrypts',
        examples: ['${BACKUP_PASSPHRASE}'],
      }),
    ),
    identity_file: text({
      description:
        'File with the private key, age’s or gpg’s without a passphrase of its own: for drills, `verify` and restores on this host',
      examples: ['/run/secrets/backup-identity'],
    }),
    waive_decrypt_test: flag({
      description:
        'Make backups although nobody has shown that they can be decrypted (`easy-backup decrypt-test`)',
      default: defaults.encryption.waive_decrypt_test,
      examples: [true],
    }),
  },
  { description: 'With `recipients` or a `passphrase`' },
)

/** Of a strategy it replaces the global one whole. */
export const encryption = Type.Optional(
  Type.Union([reading('encryption', { description: 'none' }), rule], {
    description: 'How dumps are encrypted: a group, or `none` where the global one is not to hold',
    expected: 'a group with type and recipients, or none',
    examples: [{ type: 'age', recipients: ['age1…'] }, 'none'],
  }),
)
