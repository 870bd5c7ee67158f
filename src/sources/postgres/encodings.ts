/** A server's encoding → its name for TextDecoder, where the two are the same characters.
 * https://www.postgresql.org/docs/current/multibyte.html#MULTIBYTE-CHARSET-SUPPORTED */
const labels: Record<string, string> = {
  LATIN2: 'iso-8859-2',
  LATIN3: 'iso-8859-3',
  LATIN4: 'iso-8859-4',
  LATIN5: 'iso-8859-9',
  LATIN6: 'iso-8859-10',
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  LATIN10: 'iso-8859-16',
  ISO_8859_5: 'iso-8859-5',
  ISO_8859_6: 'iso-8859-6',
  ISO_8859_7: 'iso-8859-7',
  ISO_8859_8: 'iso-8859-8',
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
  WIN866: 'ibm866',
  WIN874: 'windows-874',
  EUC_JP: 'euc-jp',
  EUC_CN: 'gbk',
  EUC_KR: 'euc-kr',
}

/** Reads names in a dump, which is written in its database's encoding. One that is not known here is read as UTF-8. */
export function decoderOf(encoding: string): (bytes: Buffer) => string {
  if (encoding === 'LATIN1') return (bytes) => bytes.toString('latin1') // its label means Windows-1252 on the web
  const label = labels[encoding] ?? encoding.replace(/^WIN(125\d)$/, 'windows-$1')
  try {
    const decoder = new TextDecoder(label)
    return (bytes) => decoder.decode(bytes)
  } catch {
    return (bytes) => bytes.toString() // SQL_ASCII, MULE_INTERNAL: nobody knows better
  }
}
