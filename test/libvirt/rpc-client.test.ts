import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { HypervisorError } from '../../src/hypervisors/errors';
import {
  connectGetHostname,
  connectGetLibVersion,
  domainAbortJob,
  domainEventLifecycle,
  domainLookupByName,
  domainMigratePerform3Params,
} from '../../src/hypervisors/libvirt/generated/procedures';
import { LibvirtError } from '../../src/hypervisors/libvirt/libvirt-error';
import { RpcClient, type RpcClientOptions } from '../../src/hypervisors/libvirt/rpc-client';
import { XdrWriter } from '../../src/hypervisors/libvirt/xdr';
import { FakeDaemon } from './fake-daemon';

const dom = { name: 'web1', uuid: '0b8a4c9e-7d1f-4b6a-9a53-2f6f5f0d1c11', id: 3 };
const perform = { dom, dconnuri: null, params: [], cookieIn: Buffer.alloc(0), flags: 0 };

function connected(options: Partial<RpcClientOptions> = {}) {
  const daemon = new FakeDaemon();
  return { daemon, client: new RpcClient(daemon.stream, { connection: 'hv1', keepAliveMs: 0, ...options }) };
}
async function failure(call: Promise<unknown>): Promise<HypervisorError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(HypervisorError);
  return error as HypervisorError;
}

describe('a connection to libvirt', () => {
  test('matches answers by serial, whatever their order', async () => {
    const { daemon, client } = connected();
    const name = client.call(connectGetHostname, {});
    const version = client.call(connectGetLibVersion, {});
    await sleep(0);
    const [first, second] = daemon.calls;
    daemon.reply(second!, w => w.uhyper(9_000_000));
    daemon.reply(first!, w => w.string('hv1.lab'));
    expect(await version).toEqual({ libVer: 9_000_000 });
    expect(await name).toEqual({ hostname: 'hv1.lab' });
  });
  test('gives libvirt’s refusal as an error of its kind', async () => {
    const { daemon, client } = connected();
    daemon.onCall = call => daemon.fail(call, 42, "Domain not found: no domain with matching name 'web9'");
    const error = await failure(client.call(domainLookupByName, { name: 'web9' }));
    expect(error).toBeInstanceOf(LibvirtError);
    expect(error).toMatchObject({ kind: 'not-found', outcomeUnknown: false, code: 42 });
    expect(error.message).toContain('hv1');
    expect(error.message).toContain('web9');
  });
  test.each([
    [
      68,
      'Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainBackupBegin)',
      'busy',
      false,
    ],
    [68, 'Timed out during operation', 'timeout', true],
    [86, 'Guest agent is not responding: QEMU guest agent is not connected', 'agent', false],
    [74, 'argument unsupported: QEMU guest agent is not configured', 'agent', false],
    [55, 'Requested operation is not valid: domain is not running', 'refused', false],
    [55, 'Requested operation is not valid: domain has active block job', 'busy', false],
    [1, 'internal error: unable to execute QEMU command: Failed to write: No space left on device', 'no-space', false],
    [78, 'operation aborted: migration out: canceled by client', 'cancelled', false],
    [3, 'this function is not supported by the connection driver: virDomainBackupBegin', 'unsupported', false],
    [1, 'internal error: process exited while connecting to monitor', 'failed', false],
  ] as const)('error %i "%s" is %s', async (code, text, kind, outcomeUnknown) => {
    const { daemon, client } = connected();
    daemon.onCall = call => daemon.fail(call, code, text);
    expect(await failure(client.call(connectGetHostname, {}))).toMatchObject({ kind, outcomeUnknown });
  });
  test('when it is lost, what is under way is unknown, and what comes after was not sent', async () => {
    const { daemon, client } = connected();
    const closed: (Error | undefined)[] = [];
    client.onClose(error => closed.push(error));
    const call = failure(client.call(connectGetHostname, {}));
    await sleep(0);
    daemon.stream.destroy(new Error('read ECONNRESET'));
    expect(await call).toMatchObject({ kind: 'unreachable', outcomeUnknown: true });
    expect(await failure(client.call(connectGetHostname, {}))).toMatchObject({
      kind: 'unreachable',
      outcomeUnknown: false,
    });
    expect(closed.map(error => error?.message)).toEqual(['read ECONNRESET']);
    expect(client.closed).toBe(true);
  });
  test('closing it on purpose is no error for who listens', async () => {
    const { client } = connected();
    const closed: (Error | undefined)[] = [];
    client.onClose(error => closed.push(error));
    client.close();
    await sleep(0);
    expect(closed).toEqual([undefined]);
  });
  test('no answer in time is a timeout, and the late answer hurts nobody', async () => {
    const { daemon, client } = connected();
    const error = await failure(client.call(connectGetHostname, {}, { timeoutMs: 10 }));
    expect(error).toMatchObject({ kind: 'timeout', outcomeUnknown: true });
    daemon.reply(daemon.calls[0]!, w => w.string('late'));
    const again = client.call(connectGetHostname, {});
    await sleep(0);
    daemon.reply(daemon.calls[1]!, w => w.string('hv1'));
    expect(await again).toEqual({ hostname: 'hv1' });
  });
  test('a call that was cancelled before is not sent', async () => {
    const { daemon, client } = connected();
    expect(await failure(client.call(connectGetHostname, {}, { signal: AbortSignal.abort() }))).toMatchObject({
      kind: 'cancelled',
    });
    await sleep(0);
    expect(daemon.calls).toEqual([]);
  });
  test('long calls leave room for short ones', async () => {
    const { daemon, client } = connected();
    const long = Array.from({ length: 5 }, () =>
      client.call(domainMigratePerform3Params, perform, { long: true, timeoutMs: 0 }),
    );
    const short = client.call(domainAbortJob, { dom });
    await sleep(5);
    expect(daemon.calls.map(call => call.procedure).sort()).toEqual([164, 305, 305, 305]);
    daemon.onCall = call => daemon.reply(call, w => w.opaque(Buffer.alloc(0)));
    for (const call of daemon.calls) daemon.reply(call, w => call.procedure === 305 && w.opaque(Buffer.alloc(0)));
    await Promise.all([...long, short]);
    expect(daemon.calls).toHaveLength(6);
  });
  test('a long call that waits for its turn can be cancelled', async () => {
    const { daemon, client } = connected();
    for (let i = 0; i < 3; i++)
      void client.call(domainMigratePerform3Params, perform, { long: true, timeoutMs: 0 }).catch(() => undefined);
    const controller = new AbortController();
    const waiting = failure(
      client.call(domainMigratePerform3Params, perform, { long: true, timeoutMs: 0, signal: controller.signal }),
    );
    await sleep(0);
    controller.abort();
    expect(await waiting).toMatchObject({ kind: 'cancelled' });
    expect(daemon.calls).toHaveLength(3);
    client.close();
  });
  test('events reach their handlers until these are taken away', () => {
    const { daemon, client } = connected();
    const seen: string[] = [];
    const stop = client.on(domainEventLifecycle, ({ dom: { name }, event }) => seen.push(`${name} ${event}`));
    const w = new XdrWriter();
    w.int(1);
    w.string(dom.name);
    w.uuid(dom.uuid);
    w.int(dom.id);
    w.int(2);
    w.int(0);
    const event = FakeDaemon.frame({ procedure: 318, type: 2 }, w.bytes());
    daemon.send(event, event);
    daemon.stream.read();
    return sleep(0).then(async () => {
      expect(seen).toEqual(['web1 2', 'web1 2']);
      stop();
      daemon.send(event);
      await sleep(0);
      expect(seen).toHaveLength(2);
    });
  });
  test('pings of the host are answered', async () => {
    const { daemon } = connected();
    daemon.send(FakeDaemon.frame({ program: 0x6b656570, procedure: 1, type: 2 }));
    await sleep(5);
    expect(daemon.keepAlives).toEqual([2]);
  });
  test('a host that says nothing any more is asked, and then given up', async () => {
    const { daemon, client } = connected({ keepAliveMs: 5, keepAliveMisses: 3 });
    const error = await failure(client.call(connectGetHostname, {}));
    expect(error).toMatchObject({ kind: 'unreachable', outcomeUnknown: true });
    expect(error.message).toContain('no sign of life');
    expect(daemon.keepAlives).toEqual([1, 1, 1]);
  });
  test('what is not libvirt’s protocol ends the connection with a reason', async () => {
    const { daemon, client } = connected();
    const call = failure(client.call(connectGetHostname, {}));
    daemon.send(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await call).toMatchObject({ kind: 'unreachable' });
    expect((await call).message).toContain("not libvirt's protocol");
  });
});
