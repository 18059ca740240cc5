import type { RunSummary } from '../../runner/contract';
import { waitsForPerson } from './runsTree';

/** What the status bar says of runs under way. */
export interface StatusBarText {
  text: string;
  spoken: string;
  /** Some go on only when a person acts. */
  waits: boolean;
}

/** undefined: nothing is under way. */
export function statusBarText(live: readonly RunSummary[]): StatusBarText | undefined {
  if (live.length === 0) return undefined;
  const waiting = live.filter(waitsForPerson).length;
  const going = live.length - waiting;
  const parts = [
    ...(going > 0 ? [{ icon: '$(sync~spin)', text: `${going} ${going === 1 ? 'run' : 'runs'}` }] : []),
    ...(waiting > 0 ? [{ icon: '$(bell-dot)', text: `${waiting} ${waiting === 1 ? 'waits' : 'wait'}` }] : []),
  ];
  return {
    text: parts.map(({ icon, text }) => `${icon} ${text}`).join('  '),
    spoken: [
      going > 0 ? `${going} ${going === 1 ? 'run' : 'runs'} under way` : '',
      waiting > 0 ? `${waiting} ${waiting === 1 ? 'run waits' : 'runs wait'} for a person` : '',
    ]
      .filter(Boolean)
      .join(', '),
    waits: waiting > 0,
  };
}
