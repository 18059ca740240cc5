import Type, { type Static, type TSchema } from 'typebox';
import Value from 'typebox/value';
import type { DebugRequest } from './debug-protocol';
import { DebugRefused } from './debugger';

const text = Type.String({ maxLength: 10_000 });
const number = Type.Integer({ minimum: 0 });
const thread = number;
const at = { thread, frame: number };

/** What a debugger may say, by what it asks for. */
const shapes = {
  breakpoints: Type.Object({
    do: Type.Literal('breakpoints'),
    breakpoints: Type.Array(
      Type.Object({
        pointer: text,
        condition: Type.Optional(text),
        hitCondition: Type.Optional(text),
        logMessage: Type.Optional(text),
      }),
      { maxItems: 10_000 },
    ),
  }),
  exceptions: Type.Object({
    do: Type.Literal('exceptions'),
    on: Type.Array(Type.Union([Type.Literal('failure'), Type.Literal('rollback')])),
  }),
  threads: Type.Object({ do: Type.Literal('threads') }),
  pause: Type.Object({ do: Type.Literal('pause'), thread: Type.Optional(thread) }),
  go: Type.Object({
    do: Type.Literal('go'),
    thread: Type.Optional(thread),
    how: Type.Union([
      Type.Literal('start'),
      Type.Literal('continue'),
      Type.Literal('over'),
      Type.Literal('into'),
      Type.Literal('out'),
      Type.Literal('back'),
    ]),
  }),
  jump: Type.Object({ do: Type.Literal('jump'), thread, pointer: text }),
  targets: Type.Object({ do: Type.Literal('targets'), thread }),
  stack: Type.Object({ do: Type.Literal('stack'), thread }),
  scope: Type.Object({ do: Type.Literal('scope'), ...at }),
  evaluate: Type.Object({ do: Type.Literal('evaluate'), ...at, expression: text }),
  set: Type.Object({ do: Type.Literal('set'), ...at, path: Type.Array(text, { maxItems: 8 }), value: text }),
  live: Type.Object({
    do: Type.Literal('live'),
    kind: Type.Union([Type.Literal('vm'), Type.Literal('host')]),
    name: text,
  }),
} satisfies { [Kind in DebugRequest['do']]: TSchema };

/** A request that came from outside. @throws DebugRefused when it is none */
export function debugRequest(given: unknown): DebugRequest {
  const kind = given !== null && typeof given === 'object' && 'do' in given ? String(given.do) : '';
  if (!Object.hasOwn(shapes, kind)) throw new DebugRefused(`A debugger can't ask for \`${kind}\`.`);
  const shape = shapes[kind as DebugRequest['do']];
  if (!Value.Check(shape, given)) {
    const [error] = Value.Errors(shape, given);
    throw new DebugRefused(
      `The request \`${kind}\` is not well formed: ${error?.instancePath ?? ''} ${error?.message ?? ''}`.trim(),
    );
  }
  return given as Static<typeof shape> as DebugRequest;
}
