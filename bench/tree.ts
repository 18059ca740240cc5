import { loadOurs } from './ours';
import { inTurn } from './rounds';
import { limited, type Row, spread } from './row';

type Ours = typeof import('./ours/tree');

const [few, many] = [100, 10_000];
const changes = 2_000;
const goal = 1.5;

/** One VM changes among ten thousand: how much is drawn again, and how long it takes beside one among a hundred. */
export async function tree(): Promise<Row[]> {
  const ours = await loadOurs<Ours>('tree');
  const [small, large] = [await ours.tree(few), await ours.tree(many)];
  try {
    let most = 0;
    for (let i = 0; i < 20; i++) most = Math.max(most, (await large.event()).length);
    const timed = (one: typeof small) => () => {
      const start = process.cpuUsage();
      const drawn = one.change(changes);
      const { user, system } = process.cpuUsage(start);
      if (drawn !== changes) throw new Error(`${drawn} nodes were drawn for ${changes} changes`);
      return (user + system) / changes;
    };
    const measured = await inTurn(15, { few: timed(small), many: timed(large) }, { warmUp: 3 });
    const [a, b] = [spread(measured.few), spread(measured.many)];
    const note = `processor time from a change to its drawn line: ${a.median.toFixed(1)} µs among ${few} VMs, ${b.median.toFixed(1)} µs among ${many}`;
    return [
      limited('tree-nodes', 'nodes', most, 1, `nodes drawn again when one VM of ${many} on a host changes`),
      limited('tree', '×', b.median / a.median, goal, note),
    ];
  } finally {
    await small.close();
    await large.close();
  }
}
