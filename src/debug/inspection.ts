import { basename } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { FrameScope } from '../engine/debug-protocol';
import { shortHash } from '../engine/plan-summary';
import type { Json } from '../runbook/json';
import { bare } from './breakpoints';
import { completions } from './completions';
import type { DebuggedRun } from './debugged-run';
import { References } from './references';
import type { StepPlace } from './run-sources';
import { expressionOf, memberOf, namesIn, partsOf, replaced, typed, typeText, valueText } from './values';

interface Frame {
  thread: number;
  index: number;
}

/** What can be opened in the Variables view. */
type Opened =
  /** `path`: as `set` takes it; `expression`: the CEL that gives it. */
  | { kind: 'value'; frame: Frame; value: Json; path?: string[]; expression?: string }
  /** Outputs by step. */
  | { kind: 'steps'; frame: Frame; scope: FrameScope }
  | { kind: 'targets'; frame: Frame; scope: FrameScope }
  | { kind: 'live'; frame: Frame; target: FrameScope['targets'][number] };

/** The stack, variables and expressions of threads that stand. */
export class Inspection {
  readonly #frames = new References<Frame>();
  readonly #opened = new References<Opened>();
  /** By thread and frame, until it goes on or something is set. */
  readonly #scopes = new Map<string, Promise<FrameScope>>();

  constructor(private readonly run: DebuggedRun) {}

  /** What was shown of a thread holds no longer. */
  forget(thread: number): void {
    this.#frames.forget(thread);
    this.#opened.forget(thread);
    this.#scopes.clear();
  }

  async stack(
    thread: number,
    start = 0,
    count = 0,
  ): Promise<{ stackFrames: DebugProtocol.StackFrame[]; totalFrames: number }> {
    const frames = await this.run.request({ do: 'stack', thread });
    const wanted = frames.slice(start, count > 0 ? start + count : undefined);
    const stackFrames = wanted.map(({ index, name, pointer }) => {
      const place = this.run.sources.place(pointer) ?? this.#failedPlace();
      const id = this.#frames.create(thread, { thread, index });
      if (!place) return { id, name, line: 0, column: 0, presentationHint: 'subtle' as const };
      // The step as a whole: with a column VS Code would mark a place in the line.
      return { id, name, source: sourceOf(place), line: place.line, column: 1 };
    });
    return { stackFrames, totalFrames: frames.length };
  }

  /** A rollback as a whole is shown at the step that led to it. */
  #failedPlace(): StepPlace | undefined {
    const failed = this.run.view.steps.findLast(step => step.state === 'failed');
    return failed && this.run.sources.place(failed.pointer);
  }

  async scopes(frameId: number): Promise<DebugProtocol.Scope[]> {
    const frame = this.#frames.get(frameId);
    // Before a rollback as a whole there is no step to look at, but the run.
    const scope = await this.#scope(frame).catch(() => undefined);
    return [...(scope ? this.#scopesOf(frame, scope) : []), this.#runScope(frame)];
  }

  #runScope(frame: Frame): DebugProtocol.Scope {
    const { runId, view } = this.run;
    const value: Json = {
      id: runId,
      status: view.phase,
      plan: shortHash(view.planHash),
      by: view.by,
      undo: view.undoList.map(key => this.run.model.step(key)?.undo ?? key),
    };
    const variablesReference = this.#opened.create(frame.thread, { kind: 'value', frame, value });
    return { name: 'Run', variablesReference, namedVariables: Object.keys(value).length, expensive: true };
  }

  #scopesOf(frame: Frame, scope: FrameScope): DebugProtocol.Scope[] {
    const made = (
      name: string,
      opened: Opened,
      count: number,
      more: Partial<DebugProtocol.Scope> = {},
    ): DebugProtocol.Scope => ({
      name,
      variablesReference: this.#opened.create(frame.thread, opened),
      namedVariables: count,
      expensive: false,
      ...more,
    });
    const value = (data: Record<string, Json>, path?: string[], expression?: string): Opened => ({
      kind: 'value',
      frame,
      value: data,
      ...(path && { path }),
      ...(expression !== undefined && { expression }),
    });
    const scopes = [
      made('Inputs', value(scope.inputs, ['inputs'], 'inputs'), Object.keys(scope.inputs).length, {
        presentationHint: 'arguments',
      }),
      made('Outputs', { kind: 'steps', frame, scope }, Object.keys(scope.steps).length),
    ];
    const variables = Object.keys(scope.variables).length;
    if (variables > 0)
      scopes.push(made('Loop', value(scope.variables, ['variables']), variables, { presentationHint: 'locals' }));
    if (scope.with) scopes.push(made('With', value(scope.with), Object.keys(scope.with).length));
    if (scope.targets.length > 0)
      scopes.push(made('Live', { kind: 'targets', frame, scope }, scope.targets.length, { expensive: true }));
    return scopes;
  }

  async variables(args: DebugProtocol.VariablesArguments): Promise<DebugProtocol.Variable[]> {
    const opened = this.#opened.get(args.variablesReference);
    const { frame } = opened;
    const page = <T>(all: T[]): T[] => {
      const { start = 0, count = 0 } = args;
      return all.slice(start, count > 0 ? start + count : undefined);
    };
    switch (opened.kind) {
      case 'targets':
        return page(opened.scope.targets).map(target => ({
          name: target.name,
          value: target.kind === 'vm' ? 'VM' : 'host',
          type: target.kind,
          variablesReference: this.#opened.create(frame.thread, { kind: 'live', frame, target }),
          presentationHint: { attributes: ['readOnly'] },
        }));
      case 'live': {
        const state = await this.run.request({ do: 'live', ...opened.target });
        if (state === null) {
          const text = `There is no ${opened.target.kind === 'vm' ? 'VM' : 'host'} of this name now.`;
          return [
            { name: 'state', value: text, variablesReference: 0, presentationHint: { attributes: ['readOnly'] } },
          ];
        }
        return Object.entries(state).map(([name, value]) => this.#variable(name, { kind: 'value', frame, value }, []));
      }
      case 'steps':
        return page(Object.entries(opened.scope.steps)).map(([id, { outputs }]) => {
          const path = ['steps', id, 'outputs'];
          const expression = expressionOf(path);
          return this.#variable(id, { kind: 'value', frame, value: outputs, path, expression }, opened.scope.editable);
        });
      case 'value': {
        const { value, path, expression } = opened;
        const { editable } = await this.#scope(frame);
        const ofList = Array.isArray(value);
        if ((args.filter === 'indexed' && !ofList) || (args.filter === 'named' && ofList)) return [];
        return page(partsOf(value) ?? []).map(([name, part]) => {
          const own = path && [...path, name];
          const cel =
            expression === undefined
              ? path?.[0] === 'variables'
                ? name
                : undefined
              : memberOf(expression, name, ofList);
          return this.#variable(
            name,
            {
              kind: 'value',
              frame,
              value: part,
              ...(own && { path: own }),
              ...(cel !== undefined && { expression: cel }),
            },
            editable,
          );
        });
      }
    }
  }

  /** @throws Error when it is nothing that can be changed */
  async setVariable(args: DebugProtocol.SetVariableArguments): Promise<DebugProtocol.SetVariableResponse['body']> {
    const opened = this.#opened.get(args.variablesReference);
    const path =
      opened.kind === 'value'
        ? opened.path && [...opened.path, args.name]
        : opened.kind === 'steps'
          ? ['steps', args.name, 'outputs']
          : undefined;
    return this.#set(opened.frame, path, args.name, args.value);
  }

  async setExpression(args: DebugProtocol.SetExpressionArguments): Promise<DebugProtocol.SetVariableResponse['body']> {
    const frame = this.#frameOr(args.frameId);
    const names = namesIn(bare(args.expression));
    const [root] = names ?? [];
    const path = names && (root === 'inputs' || root === 'steps' ? names : ['variables', ...names]);
    return this.#set(frame, path, args.expression, args.value);
  }

  async #set(
    frame: Frame,
    path: string[] | undefined,
    name: string,
    text: string,
  ): Promise<DebugProtocol.SetVariableResponse['body']> {
    const scope = await this.#scope(frame);
    const root = path && scope.editable.find(one => one.every((part, at) => path[at] === part));
    if (!path || !root) {
      throw new Error(
        `${name} can't be changed here. Inputs, loop variables and outputs of steps that are done can, before a step.`,
      );
    }
    const inner = path.slice(root.length);
    const value = inner.length === 0 ? text : JSON.stringify(replaced(valueAt(scope, root), inner, typed(text)));
    const { thread, index } = frame;
    const now = await this.run.request({ do: 'set', thread, frame: index, path: root, value });
    this.#scopes.clear();
    let shown: Json = now;
    for (const part of inner) shown = partsOf(shown)?.find(([key]) => key === part)?.[1] ?? null;
    const {
      value: shownText,
      type,
      variablesReference,
    } = this.#variable(name, { kind: 'value', frame, value: shown, path }, []);
    return { value: shownText, ...(type !== undefined && { type }), variablesReference };
  }

  async evaluate(args: DebugProtocol.EvaluateArguments): Promise<DebugProtocol.EvaluateResponse['body']> {
    const expression = bare(args.expression).trim();
    const frame = this.#frameOr(args.frameId);
    const { thread, index } = frame;
    const value = await this.run.request({ do: 'evaluate', thread, frame: index, expression });
    const names = namesIn(expression);
    const path = names && (names[0] === 'inputs' || names[0] === 'steps' ? names : ['variables', ...names]);
    const opened: Opened = { kind: 'value', frame, value, expression, ...(path && { path }) };
    const { value: result, name: _, ...more } = this.#variable(expression, opened, (await this.#scope(frame)).editable);
    // A copied value is the value, not how it looks in one line.
    return { ...more, result: args.context === 'clipboard' ? JSON.stringify(value, undefined, 2) : result };
  }

  async completions(args: DebugProtocol.CompletionsArguments): Promise<DebugProtocol.CompletionItem[]> {
    const scope = await this.#scope(this.#frameOr(args.frameId));
    const line = args.text.split('\n')[(args.line ?? 1) - 1] ?? '';
    const typedText = line.slice(0, args.column - 1);
    return completions(typedText, scope).map(({ label, type, detail, replaces, text }) => ({
      label,
      type,
      start: typedText.length - replaces,
      length: replaces,
      ...(detail !== undefined && { detail }),
      ...(text !== undefined && { text }),
    }));
  }

  #frameOr(frameId: number | undefined): Frame {
    if (frameId === undefined) {
      throw new Error('Nothing stands, so there are no values to look at. Pause the run, or set a breakpoint.');
    }
    return this.#frames.get(frameId);
  }

  #scope(frame: Frame): Promise<FrameScope> {
    const { thread, index } = frame;
    const key = `${thread} ${index}`;
    const known = this.#scopes.get(key) ?? this.run.request({ do: 'scope', thread, frame: index });
    this.#scopes.set(key, known);
    return known;
  }

  #variable(
    name: string,
    opened: Extract<Opened, { kind: 'value' }>,
    editable: readonly string[][],
  ): DebugProtocol.Variable {
    const { frame, value, path, expression } = opened;
    const parts = partsOf(value);
    const count = parts?.length ?? 0;
    const canSet = path !== undefined && editable.some(one => one.every((part, at) => path[at] === part));
    return {
      name,
      value: valueText(value),
      type: typeText(value),
      variablesReference: count > 0 ? this.#opened.create(frame.thread, opened) : 0,
      ...(count > 0 && (Array.isArray(value) ? { indexedVariables: count } : { namedVariables: count })),
      ...(expression !== undefined && { evaluateName: expression }),
      presentationHint: { kind: 'data', ...(!canSet && { attributes: ['readOnly'] }) },
    };
  }
}

export function sourceOf(place: Pick<StepPlace, 'path'>): DebugProtocol.Source {
  return { name: basename(place.path), path: place.path };
}

/** The value at a path of `FrameScope`. */
function valueAt(scope: FrameScope, path: readonly string[]): Json {
  const root: Json = { inputs: scope.inputs, steps: scope.steps, variables: scope.variables };
  return path.reduce<Json>((value, part) => partsOf(value)?.find(([name]) => name === part)?.[1] ?? null, root);
}
