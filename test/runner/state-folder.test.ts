import { describe, expect, it } from 'vitest';
import { newRunId, socketPath, stateFolder } from '../../src/runner/state-folder';

describe('where runs are kept', () => {
  it('is what VIRTBOOK_STATE says, else the place for state', () => {
    expect(stateFolder({ VIRTBOOK_STATE: '/srv/state' })).toBe('/srv/state');
    if (process.platform === 'win32') return;
    expect(stateFolder({ XDG_STATE_HOME: '/home/ops/state' })).toBe('/home/ops/state/virtbook');
    // The specification says that relative paths are ignored.
    expect(stateFolder({ XDG_STATE_HOME: 'state' })).toMatch(/\.local\/state\/virtbook$/);
  });
});

describe.skipIf(process.platform === 'win32')('a control socket', () => {
  it('lies in the run, or in a private folder where its name would be too long', () => {
    expect(socketPath('/srv/runs/r1')).toBe('/srv/runs/r1/control.sock');
    const long = socketPath(`/srv/${'x'.repeat(200)}/r1`, {});
    expect(Buffer.byteLength(long)).toBeLessThanOrEqual(103);
    expect(long).not.toBe(socketPath(`/srv/${'x'.repeat(200)}/r2`, {}));
  });
});

describe('ids of runs', () => {
  it('sort by when they were submitted', () => {
    const times = ['2026-01-03T22:00:00.001Z', '2026-01-03T22:00:00.002Z', '2026-01-03T22:00:01.000Z'];
    const ids = times.map(time => newRunId(new Date(time)));
    expect([...ids].sort()).toEqual(ids);
    expect(ids[0]).toMatch(/^20260103-220000-001[a-z]{3}$/);
  });
});
