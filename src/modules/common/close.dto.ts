import { OneOf } from './fields.js';

export class CloseQuery {
  @OneOf(['graceful', 'reset'], {
    description:
      '`graceful`: what is queued is sent, then FIN. `reset`: RST at once; SO_LINGER with 0 seconds',
    default: 'graceful',
  })
  mode: 'graceful' | 'reset' = 'graceful';
}
