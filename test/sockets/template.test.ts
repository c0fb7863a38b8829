import { Place } from '../../src/sockets/responders/responder-spec.js';
import type { Scope } from '../../src/sockets/responders/occasion.js';
import { Template } from '../../src/sockets/responders/template.js';

function compiled(text: string): Template {
  const template = Template.compile(text, new Place([], ''));
  if (template === null) throw new Error(`not a template: ${text}`);
  return template;
}

/** A scope in which the machine stops for longer than a template may take, so many times. */
function stalling(times: number): { scope: Scope; looks: () => number } {
  let looks = 0;
  const scope = {
    get message() {
      looks += 1;
      const end = performance.now() + (looks <= times ? 40 : 0);
      while (performance.now() < end);
      return { text: 'hello', hex: '', length: 5, bytes: 5 };
    },
  } as Scope;
  return { scope, looks: () => looks };
}

it('a template during which the machine stalls is rendered once more', () => {
  const { scope, looks } = stalling(1);
  expect(compiled('{{ message.text }}{% if message %} world{% endif %}').render(scope)).toBe('hello world');
  expect(looks()).toBe(3);
});

it('one that is late again has failed, and so has at once what is wrong for another reason', () => {
  const template = compiled('{{ message.text }}{{ message.text }}');
  const late = stalling(9);
  expect(() => template.render(late.scope)).toThrow(/render limit exceeded/);
  expect(late.looks()).toBe(2);
  const large = stalling(0);
  const range = compiled('{{ message.text }}{% for i in (1..100000000) %}{% endfor %}');
  expect(() => range.render(large.scope)).toThrow(/memory/);
  expect(large.looks()).toBe(1);
});
