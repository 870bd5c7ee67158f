import type { PlaceUse } from './digest.ts'
import type { IncidentView } from './incidents.ts'
import type { AnyRequestView, RunView } from './model.ts'

/** What goes on and waits, beside how the strategies stand. */
export interface Dashboard {
  /** Queued and running work of every kind, oldest first. */
  running: RunView[]
  /** Requests without an end, oldest first. */
  requests: AnyRequestView[]
  /** Trouble that goes on, oldest first. */
  incidents: IncidentView[]
  places: PlaceUse[]
}
