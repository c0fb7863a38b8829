/**
 * What is put off to the end of a turn of the event loop, so that what comes together goes on together:
 * one system call writes all of it. It ends in the check phase, after everything that was ready.
 */
let putOff: (() => void)[] = [];
/** Somebody ends the turn anyway: no immediate is needed, which would make the loop turn once more. */
let ending = false;

export function atEndOfTurn(task: () => void): void {
  if (putOff.length === 0 && !ending) setImmediate(endTurn);
  putOff.push(task);
}

/** For who works in the check phase: runs `work`, and what it or others have put off. */
export function lastInTurn(work: () => void): void {
  ending = true;
  try {
    work();
  } finally {
    ending = false;
    endTurn();
  }
}

/**
 * What is put off meanwhile belongs to this turn, too: what a task makes ready leaves with the rest. A task that
 * throws ends the turn, and the others have the next one.
 */
function endTurn(): void {
  ending = true;
  let done = 0;
  try {
    for (let task = putOff[done]; task !== undefined; task = putOff[done]) {
      done += 1;
      task();
    }
  } finally {
    putOff = putOff.slice(done);
    ending = false;
    if (putOff.length > 0) setImmediate(endTurn);
  }
}
