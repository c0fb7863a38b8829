import { slugOf, type Problem } from '../problems/problem.js';

/** RFC 6455, 7.4.1. */
export const CLOSE_NORMAL = 1000;
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_UNSUPPORTED_DATA = 1003;
export const CLOSE_POLICY_VIOLATION = 1008;
export const CLOSE_TRY_AGAIN_LATER = 1013;

/** A problem as a close code of the private range, its kind as the reason: 404 becomes 4404. */
export function closeCodeOf(problem: Problem): { code: number; reason: string } {
  const reason = slugOf(problem);
  if (reason === 'blocked-by-policy') return { code: CLOSE_POLICY_VIOLATION, reason };
  if (reason === 'quota-exceeded' || reason === 'resource-exhausted')
    return { code: CLOSE_TRY_AGAIN_LATER, reason };
  return { code: 4000 + problem.status, reason };
}
