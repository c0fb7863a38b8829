/** Python as the judge of answers that need no peer: all questions of a test in one process. */
import { execFileSync } from 'node:child_process';

const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** One answer for each question, in their order. A question is its name and its arguments, see `peers/oracle.py`. */
export function askPython<T>(questions: readonly (readonly unknown[])[]): T[] {
  const input = questions.map((question) => JSON.stringify(question)).join('\n');
  const script = `${__dirname}/peers/oracle.py`;
  const output = execFileSync('python3', [script], { input, maxBuffer: MAX_ANSWER_BYTES });
  const answers = output.toString().trimEnd().split('\n');
  expect(answers).toHaveLength(questions.length);
  return answers.map((line) => JSON.parse(line) as T);
}
