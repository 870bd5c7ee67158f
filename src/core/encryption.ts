/** How a strategy's dumps are encrypted, in a standard format that stock programs undo. Holds secrets; never printed. */
export interface Encryption {
  type: 'age' | 'gpg'
  /** Who can read: `age1…`, or for gpg files with exported public keys. Empty with a passphrase. */
  recipients: readonly string[]
  passphrase: string | null
  /** Private keys by which this host reads its own backups; null: with recipients it cannot. */
  identityFile: string | null
  /** Nobody has to show first that the backups can be decrypted (promise 16). */
  waiveDecryptTest: boolean
}

/** What a manifest says of it; never a key. */
export interface EncryptionFacts {
  method: 'age' | 'gpg'
  mode: 'recipients' | 'passphrase'
  /** age: the recipients; gpg: fingerprints. Empty with a passphrase. */
  keyIds: string[]
}
