/**
 * Sends datagrams of the Linux plane over a way with bounds of its own, in a network namespace: see
 * `datagram_way_test.ts`, which starts this, reads what it prints, and tells by a line when to go on.
 *
 * Arguments: the network interface, the address to send to. Prints a line of JSON after each step.
 */
import { setImmediate } from "node:timers/promises";
import { systemClock } from "../../../../lib/runtime/clock.ts";
import { LinuxNet } from "../../../../lib/runtime/linux/net.ts";
import { Poller } from "../../../../lib/runtime/linux/poller.ts";

const [device = "", address = ""] = Deno.args;
const poller = new Poller();
const net = new LinuxNet(systemClock, poller, { sharesPorts: false });
const failures: string[] = [];
const socket = net.associate({ address, port: 9 }, {
  received: () => undefined,
  failed: ({ code }) => failures.push(code),
});

/** Packets that have left by the device; one that the device is to cut counts once. */
function packets(): number {
  const lines = Deno.readTextFileSync("/proc/net/dev").split("\n");
  const numbers = lines.find((line) => line.trim().startsWith(`${device}:`))!.split(":")[1]!;
  return Number(numbers.trim().split(/\s+/)[9]);
}

/** Sends datagrams in a row, and gives the packets of them. */
async function burst(lengths: readonly number[]): Promise<number> {
  const before = packets();
  for (const length of lengths) socket.send(new Uint8Array(length));
  for (let turn = 0; turn < 10; turn++) {
    poller.turn(1);
    await setImmediate();
  }
  return packets() - before;
}

function print(step: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify({ ...step, failures }));
}

print({ cut: await burst(Array(10).fill(1200)) });
print({ whole: await burst(Array(10).fill(2000)), again: await burst(Array(10).fill(1200)) });

// From here on the way is slow.
await Deno.stdin.read(new Uint8Array(1));
const before = packets();
let sent = 0;
while (!socket.isFull) {
  // Each longer than the one before, so that each is a packet.
  socket.send(new Uint8Array(20 + sent++));
  if (sent % 32 === 0) poller.turn(0);
}
print({ full: sent, waiting: sent - (packets() - before) });
while (packets() - before < sent) {
  poller.turn(1);
  await setImmediate();
}
print({ sent: packets() - before, isFull: socket.isFull });
socket.close();
net.close();
poller.end();
