/** Of an artifact, without its ending: a plain file name, whatever the database is called. */
export function plainName(database: string): string {
  const plain = database
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[._-]+/, '')
    .slice(0, 63)
  return plain || 'database'
}
