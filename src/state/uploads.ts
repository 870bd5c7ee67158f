import type { Read, Write } from './database.ts'

/** An upload that somebody has to end when its process dies (promise 7). */
export interface Upload {
  storage: string
  key: string
  /** What the place calls it. */
  upload: string
  run: string
}

/** Written before the first byte is sent. */
export async function noteUpload(tx: Write, upload: Upload, now: number): Promise<void> {
  await tx
    .insertInto('uploads')
    .values({ ...upload, begun_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** They are complete or were ended. Without an upload: all of this run at this key. */
export async function forgetUploads(
  tx: Write,
  { storage, key, run, upload }: Omit<Upload, 'upload'> & { upload?: string },
): Promise<void> {
  let rows = tx
    .deleteFrom('uploads')
    .where('storage', '=', storage)
    .where('key', '=', key)
    .where('run', '=', run)
  if (upload !== undefined) rows = rows.where('upload', '=', upload)
  await rows.execute()
}

/** Uploads that nobody works on any more. @param living ids of runs that a living process carries out */
export async function strayUploads(db: Read, living: ReadonlySet<string>): Promise<Upload[]> {
  const rows = await db.selectFrom('uploads').select(['storage', 'key', 'upload', 'run']).execute()
  return rows.filter(({ run }) => !living.has(run))
}
