import { executionAsyncResource } from 'node:async_hooks';

/**
 * Node makes an object for each `process.nextTick`. Where garbage is collected while there is none, V8 forgets how
 * they are made, and from then on makes each by asking its runtime: 230 ns in place of 30, and a request has a
 * dozen of them. So the first one is kept.
 */
export let keptTick: object | null = null;

process.nextTick(() => {
  keptTick = executionAsyncResource();
});
