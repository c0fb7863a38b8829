import { EventFilter } from '../common/event.dto.js';
import { EventId, EventNameList } from '../common/socket-fields.js';

export class EventsQuery extends EventFilter {
  @EventNameList({
    description: 'Only these events: their names, separated by commas',
    optional: true,
    example: 'accepted,closed',
  })
  events?: string;

  @EventId({
    description:
      'The events after this one come first; 0: all that are remembered. The header `Last-Event-ID` says the same, ' +
      'and goes before it. Without either, only what happens from now on',
    query: true,
    optional: true,
  })
  lastEventId?: number;
}
