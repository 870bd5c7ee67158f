/** A word that only who has the key can read. */
export interface DecryptTest {
  strategy: string
  /** `encrypted with age to age1…`. */
  how: string
  /** Somebody passed it before with these keys. */
  isTested: boolean
  /** A stock program with the encrypted word, ready to be pasted; `KEYFILE` stands for the file with the private key. */
  command: string
}
