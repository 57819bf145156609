import assert from "node:assert/strict";
import { createToken } from "../../../../lib/tunnel/auth.ts";
import { encodeFrame } from "../../../../lib/tunnel/frames.ts";
import { AgentRig, endpoint, TOKEN } from "../../../support/agent_rig.ts";
import { bytesOf, echo, settled } from "../../../support/rig.ts";
import { hear } from "../../../support/scripted_edge.ts";

const BLOG = endpoint({ label: "blog", kind: "http", name: "blog" });
const SHELL = endpoint({ label: "shell", port: 20_001 });

Deno.test("what did not change is not touched, what is new is asked for, what is gone is shut", async () => {
  const rig = new AgentRig({ endpoints: [BLOG, SHELL] });
  const control = await rig.edge.welcome(TOKEN);
  await control.opens({ name: "blog" });
  await control.opens({ port: 20_001 });
  await settled();
  const added = endpoint({ label: "dns", kind: "udp", port: 20_002 });
  rig.agent.change({ ...rig.config, endpoints: [BLOG, added] });
  assert.equal((await control.hear("shut")).endpoint, 2);
  assert.equal((await control.opens({ port: 20_002 })).endpoint, 3);
  await settled();
  assert.deepEqual(rig.journal.take(), [
    "serving http://blog.t.example tcp://t.example:20001",
    "serving http://blog.t.example udp://t.example:20002",
  ]);
  await rig.close();
});

Deno.test("another service or another password is none of the edge's business", async () => {
  const rig = new AgentRig({ endpoints: [SHELL] });
  rig.service(4000, echo);
  const control = await rig.edge.welcome(TOKEN);
  await control.opens();
  const channel = await rig.edge.joined(await control.ticket());
  const service = { host: "127.0.0.1", port: 4000 };
  rig.agent.change({ ...rig.config, endpoints: [{ ...SHELL, service }] });
  await channel.say({ type: "visit", endpoint: 1, visitor: "192.0.2.7:1", destination: "[::1]:2" });
  await hear(channel, "accept");
  await rig.close();
});

Deno.test("another list of visitors is, so the endpoint is given up and asked for again", async () => {
  const rig = new AgentRig({ endpoints: [SHELL] });
  const control = await rig.edge.welcome(TOKEN);
  await control.opens();
  await settled();
  rig.agent.change({ ...rig.config, endpoints: [{ ...SHELL, allow: ["192.0.2.0/24"] }] });
  assert.equal((await control.hear("shut")).endpoint, 1);
  assert.deepEqual((await control.opens()).allow, ["192.0.2.0/24"]);
  await rig.close();
});

Deno.test("an endpoint that was taken out before the edge had answered is shut then", async () => {
  const rig = new AgentRig({ endpoints: [BLOG, SHELL] });
  const control = await rig.edge.welcome(TOKEN);
  const blog = await control.hear("open");
  await control.opens({ port: 20_001 });
  rig.agent.change({ ...rig.config, endpoints: [SHELL] });
  const address = "http://blog.t.example";
  await control.say({ type: "opened", endpoint: blog.endpoint, address, name: "blog" });
  assert.equal((await control.hear("shut")).endpoint, blog.endpoint);
  await settled();
  assert.deepEqual(rig.journal.take(), ["serving tcp://t.example:20001"]);
  await rig.close();
});

Deno.test("another token is logged in with at once, while visitors go on", async () => {
  const rig = new AgentRig();
  rig.service(3000, echo);
  const control = await rig.edge.welcome(TOKEN);
  await control.opens();
  const channel = await rig.edge.joined(await control.ticket());
  await channel.say({ type: "visit", endpoint: 1, visitor: "192.0.2.7:1", destination: "[::1]:2" });
  await hear(channel, "accept");
  const token = createToken("alice");
  rig.agent.change({ ...rig.config, token });
  assert.equal((await control.goodbye()).code, "leaving");
  await (await rig.edge.welcome(token)).opens();
  await channel.write(encodeFrame("data", bytesOf("still here")));
  assert.equal((await channel.receive())?.type, "data");
  await rig.close();
});

Deno.test("another edge is tried at once, even in a pause", async () => {
  const rig = new AgentRig({}, { isEdgeThere: false });
  await settled();
  rig.edge.open();
  rig.agent.change({ ...rig.config, edge: { host: "localhost", port: 7835 } });
  await settled();
  assert.equal(rig.agent.config.edge.host, "localhost");
  assert.match(rig.agent.state.problem ?? "", /localhost could not be resolved/);
  await rig.close();
});
