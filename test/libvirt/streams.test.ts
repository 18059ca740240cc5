import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { connectGetHostname, domainOpenConsole } from '../../src/hypervisors/libvirt/generated/procedures';
import { RpcClient } from '../../src/hypervisors/libvirt/rpc-client';
import { XdrWriter } from '../../src/hypervisors/libvirt/xdr';
import { FakeDaemon } from './fake-daemon';

const dom = { name: 'web1', uuid: '0b8a4c9e-7d1f-4b6a-9a53-2f6f5f0d1c11', id: 3 };

async function opened() {
  const daemon = new FakeDaemon();
  const client = new RpcClient(daemon.stream, { connection: 'hv1', keepAliveMs: 0 });
  const heard: string[] = [];
  const opening = client.openStream(
    domainOpenConsole,
    { dom, devName: null, flags: 0 },
    {
      data: bytes => heard.push(bytes.toString()),
      end: error => heard.push(`end${error ? `: ${error.message}` : ''}`),
    },
  );
  await sleep(0);
  const call = daemon.calls[0]!;
  return { daemon, client, heard, opening, call };
}

describe('a stream beside the calls', () => {
  test('gives data in order, also what stands right behind the answer', async () => {
    const { daemon, client, heard, opening, call } = await opened();
    daemon.send(
      FakeDaemon.frame({ procedure: call.procedure, type: 1, serial: call.serial }),
      FakeDaemon.packet(call, 2, 'log'),
      FakeDaemon.packet(call, 2, 'in: '),
    );
    const stream = await opening;
    const name = client.call(connectGetHostname, {});
    await sleep(0);
    daemon.send(FakeDaemon.packet(call, 2, 'x'));
    daemon.reply(daemon.calls[1]!, w => w.string('hv1.lab'));
    expect(await name).toEqual({ hostname: 'hv1.lab' });
    expect(heard).toEqual(['log', 'in: ', 'x']);
    stream.write(Buffer.from('root\r'));
    await sleep(0);
    expect(daemon.packets).toEqual([{ procedure: 201, serial: call.serial, status: 2, data: Buffer.from('root\r') }]);
  });

  test('cuts what is large', async () => {
    const { daemon, opening, call } = await opened();
    daemon.reply(call);
    const stream = await opening;
    stream.write(Buffer.alloc(150_000, 7));
    await sleep(0);
    expect(daemon.packets.map(packet => packet.data.length)).toEqual([65_536, 65_536, 18_928]);
  });

  test('is over for both when this side is done, and the host confirms', async () => {
    const { daemon, heard, opening, call } = await opened();
    daemon.reply(call);
    const stream = await opening;
    const finishing = stream.finish();
    await sleep(0);
    expect(daemon.packets).toMatchObject([{ serial: call.serial, status: 0 }]);
    // Data and its end cross our word on the way.
    daemon.send(FakeDaemon.packet(call, 2, 'late'), FakeDaemon.packet(call, 2), FakeDaemon.packet(call, 0));
    await finishing;
    stream.write(Buffer.from('nobody hears this'));
    await stream.finish();
    await sleep(0);
    expect([heard, daemon.packets.length]).toEqual([[], 1]);
  });

  test('is confirmed when the host is done: it would keep the stream otherwise', async () => {
    const { daemon, heard, opening, call } = await opened();
    daemon.reply(call);
    const stream = await opening;
    daemon.send(FakeDaemon.packet(call, 2, 'bye'), FakeDaemon.packet(call, 2), FakeDaemon.packet(call, 2, 'ghost'));
    await sleep(0);
    expect(heard).toEqual(['bye', 'end']);
    expect(daemon.packets).toMatchObject([{ procedure: 201, serial: call.serial, status: 0 }]);
    await stream.finish();
  });

  test('says why the host gave it up', async () => {
    const { daemon, heard, opening, call } = await opened();
    daemon.reply(call);
    await opening;
    const w = new XdrWriter();
    w.int(38);
    w.int(10);
    if (w.present('cannot read from the pty')) w.string('cannot read from the pty');
    w.int(2);
    for (let optional = 0; optional < 4; optional++) w.uint(0);
    w.int(0);
    w.int(0);
    w.uint(0);
    daemon.send(FakeDaemon.frame({ procedure: 201, type: 3, serial: call.serial, status: 1 }, w.bytes()));
    await sleep(0);
    expect(heard).toEqual(['end: hv1: libvirt: cannot read from the pty.']);
  });

  test('ends with the connection, once; one that was never answered is refused instead', async () => {
    const { daemon, client, heard, opening, call } = await opened();
    daemon.reply(call);
    await opening;
    const second = client.openStream(
      domainOpenConsole,
      { dom, devName: null, flags: 0 },
      { data: () => {}, end: () => heard.push('never') },
    );
    const failed = second.catch((error: Error) => error.message);
    await sleep(0);
    daemon.stream.destroy();
    expect(await failed).toMatch(/DOMAIN_OPEN_CONSOLE got no answer/);
    expect(heard).toHaveLength(1);
    expect(heard[0]).toMatch(/^end: hv1: the connection to libvirt is lost/);
  });

  test('that is refused leaves nothing behind', async () => {
    const { daemon, client, heard, opening, call } = await opened();
    daemon.fail(call, 9, 'Active console session exists for this domain');
    await expect(opening).rejects.toMatchObject({ code: 9 });
    daemon.send(FakeDaemon.packet(call, 2, 'ghost'));
    client.close();
    expect(heard).toEqual([]);
  });
});
