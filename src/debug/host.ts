import type { Runs, Submission } from '../runner/contract';
import type { LaunchArguments } from './arguments';

/** What a debug adapter is given by whoever embeds it: the command line, or VS Code. */
export interface DebugHost {
  readonly runs: Runs;
  /** Who debugs, for others who want to debug the same run: `ada in VS Code`. */
  readonly name: string;
  /**
   * Checks, asks for inputs, plans, and asks whether to go on where a person can be asked. undefined: they said no.
   * @throws Error with what is wrong, in sentences
   */
  prepare(launch: LaunchArguments): Promise<Prepared | undefined>;
  /** Lets a person choose; undefined: they closed it. Absent: nobody can be asked. */
  choose?(question: Choice): Promise<string | undefined>;
  /** A run is debugged from now on: what it asks wants an answer. */
  debugging?(runId: string): void;
}

export interface Choice {
  text: string;
  detail: string;
  choices: { id: string; label: string }[];
}

/** What will run, as it was shown. */
export interface Prepared {
  submission: Submission;
  /** Where it will run, in a sentence for the console. */
  target: string;
  /** Removes what was made for this run alone, once it has ended. */
  remove?(): Promise<void>;
}
