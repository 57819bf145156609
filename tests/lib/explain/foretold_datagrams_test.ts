import assert from "node:assert/strict";
import { formatAddress } from "../../../lib/addr.ts";
import type { UdpListenerConfig } from "../../../lib/config/config.ts";
import { type DatagramExplanation, explainDatagrams } from "../../../lib/explain/datagrams.ts";
import { CLIENT, Rig, settled } from "../../support/rig.ts";
import { CLIENTS, LISTENERS, PORTS } from "./datagram_clients.ts";

/** What the proxy itself did, in the words of an explanation. */
async function happened(
  listener: UdpListenerConfig,
  datagrams: readonly Uint8Array[],
): Promise<string> {
  const rig = new Rig();
  const backends = PORTS.map((port) => rig.responder(port));
  await rig.applyUdp([listener]);
  const client = rig.net.peer(CLIENT);
  for (const each of datagrams) client.send(each, { address: "127.0.0.1", port: listener.port });
  await settled();
  const waited = rig.server.activeFlows === 0 && rig.server.drops.size === 0;
  if (waited) await rig.pass(listener.probeTimeout);
  const [reason] = rig.server.drops.keys();
  let text = `${reason} undefined`;
  if (reason === undefined) {
    rig.server.close();
    const { route, backend } = await rig.record();
    const { received } = backends.find(({ address }) => address.port === backend?.port)!;
    assert.equal(received.length, datagrams.length);
    text = `${route} ${backend && formatAddress(backend)}`;
  }
  await rig.close();
  return `${text}${waited ? " late" : ""}`;
}

function foretold({ outcome, onTimeout }: DatagramExplanation): string {
  const end = onTimeout?.outcome ?? outcome;
  const late = onTimeout === undefined ? "" : " late";
  if (end.kind === "forward") return `${end.route} ${end.backends.targets[0]?.target}${late}`;
  assert(end.kind === "drop");
  return `${end.reason} undefined${late}`;
}

for (const [name, listener] of Object.entries(LISTENERS)) {
  Deno.test(`what is foretold of datagrams is what happens: ${name}`, async () => {
    for (const datagrams of CLIENTS) {
      const explanation = explainDatagrams(listener, { datagrams, isMadeUp: false, peer: CLIENT });
      const what = datagrams.map((each) => each.subarray(0, 20).toHex()).join(" ");
      assert.equal(foretold(explanation), await happened(listener, datagrams), what);
    }
  });
}
