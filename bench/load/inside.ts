/* Loaded into a program before its own code, with --import: tells the runner what the process uses. */

export type Question = 'cpuSeconds' | 'residentBytes';

/** User and system time since the start, all threads. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** After two collections of garbage: the second takes what finalizers let go of. */
async function residentBytes(): Promise<number> {
  globalThis.gc?.();
  await new Promise(setImmediate);
  globalThis.gc?.();
  return process.memoryUsage.rss();
}

process.on('message', (question: Question) => {
  if (question === 'cpuSeconds') process.send?.(cpuSeconds());
  else void residentBytes().then((bytes) => process.send?.(bytes));
});
// Nothing is kept running for the runner's sake.
process.channel?.unref();
