import { slugOf, type Problem } from '../problems/problem.js';

/** RFC 6455, 7.4.1. */
export const CLOSE_NORMAL = 1000;
export const CLOSE_GOING_AWAY = 1001;
export const CLOSE_UNSUPPORTED_DATA = 1003;
export const CLOSE_POLICY_VIOLATION = 1008;
export const CLOSE_TRY_AGAIN_LATER = 1013;

const OVER_LIMITS = ['quota-exceeded', 'resource-exhausted'];

/** A problem as a close code of the private range, its type as the reason: 404 becomes 4404. */
export function closeCodeOf(problem: Problem): { code: number; reason: string } {
  const { type: reason, status } = problem;
  const kind = slugOf(problem);
  if (kind === 'not-ready') return { code: CLOSE_GOING_AWAY, reason };
  if (kind === 'blocked-by-policy') return { code: CLOSE_POLICY_VIOLATION, reason };
  return { code: OVER_LIMITS.includes(kind) ? CLOSE_TRY_AGAIN_LATER : 4000 + status, reason };
}
