import { Fault } from '../../core/faults.ts'
import type { Container } from './client.ts'
import { answered } from './faults.ts'
import { lookAt } from './look.ts'

const policies = ['BlobImmutableDueToPolicy', 'BlobImmutableDueToLegalHold', 'OperationNotAllowedOnLegalHold']

/** @throws Fault object-retained · storage-denied · storage-missing */
export async function removeObject(container: Container, key: string, signal: AbortSignal): Promise<void> {
  try {
    await container.callBlob({ what: `removing ${key}`, right: 'delete', signal, key }, (blob, http) =>
      blob.delete(http),
    )
  } catch (error) {
    if (answered(error, 'BlobNotFound')) return
    if (answered(error, ...policies)) throw await retained(container, key, signal)
    throw error
  }
}

/** null = no policy of the object itself keeps it now; one of the whole container shows only when it refuses. @returns epoch ms */
export async function retainUntil(
  container: Container,
  key: string,
  signal: AbortSignal,
): Promise<number | null> {
  const found = await lookAt(container, key, signal)
  const until = found?.immutabilityPolicyExpiresOn?.getTime() ?? null
  return until !== null && until > container.clock.now() ? until : null
}

async function retained(container: Container, key: string, signal: AbortSignal): Promise<Fault> {
  const until = await retainUntil(container, key, signal).catch(() => null)
  const date = until === null ? '' : ` until ${new Date(until).toISOString().slice(0, 10)}`
  return new Fault('object-retained', `${key} is retained${date}`, {
    hint:
      until === null
        ? 'a policy or legal hold of the container keeps it; it is removed by a later prune'
        : 'its immutability policy keeps it; it is removed by a later prune',
  })
}
