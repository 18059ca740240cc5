import type { CalledRunbooks } from '../calls';
import type { ActionSignature } from '../check-context';
import type { Report } from '../report';
import { Capabilities } from './capabilities';
import { DeletedTooEarly } from './deleted-too-early';
import { Endless } from './endless';
import { Findings } from './findings';
import { follow } from './flow';
import { Members } from './members';
import { NoWayBack } from './no-way-back';
import { OpenSnapshots } from './open-snapshots';
import { PoweredOff } from './powered-off';
import { Production } from './production';
import { SideBySide } from './side-by-side';
import { UncheckedPatches } from './unchecked-patches';
import { UnlimitedBackups } from './unlimited-backups';

/**
 * What goes wrong with VMs, as far as it can be told from the steps, the actions and the inventory. `path`: of the file, as what it calls is
 * relative to it. Of text that is no YAML nothing is said: half of the steps may be missing.
 */
export function checkOperations(
  report: Report,
  actions: ReadonlyMap<string, ActionSignature>,
  path: string,
  runbooks: CalledRunbooks | undefined,
): void {
  const { draft, diagnostics } = report.parsed;
  if (diagnostics.some(item => item.code === 'yaml-syntax')) return;
  const findings = new Findings(report);
  follow(draft, { actions, runbooks, path }, [
    new OpenSnapshots(findings),
    new DeletedTooEarly(findings),
    new PoweredOff(findings),
    new UncheckedPatches(findings, draft.outputs !== undefined),
    new NoWayBack(findings),
    new SideBySide(findings),
    new Production(findings, report.known),
    new Members(findings, report.known),
    new UnlimitedBackups(findings, draft.limits),
    new Endless(findings),
    new Capabilities(findings, report.known),
  ]);
}
