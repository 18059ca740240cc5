import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { localMachine } from '../../src/hypervisors/proxy/machine';
import { SshConnectionLost } from '../../src/ssh/errors';

describe('a relay of a machine', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'virtbook-test-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ['the way to the far end is lost: that is told', new SshConnectionLost('hv1', 'no answer'), 1],
    ['the far end closes: the reader sees that itself', undefined, 0],
  ])('%s', async (_, error, told) => {
    const errors: Error[] = [];
    const far = new PassThrough();
    const socket = join(folder, 'export');
    const relay = await localMachine('px1').relay(
      socket,
      async () => far,
      one => errors.push(one),
    );
    const reader = connect(socket);
    reader.on('error', () => undefined);
    try {
      reader.write('?');
      await once(reader, 'data');
      far.destroy(error);
      await once(reader, 'close');
      expect(errors).toEqual(told ? [error] : []);
    } finally {
      reader.destroy();
      await relay.close();
    }
  });
});
