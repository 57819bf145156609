import type { Message } from "../../lib/tunnel/messages.ts";

const NONCE = new Uint8Array(32).fill(1);
const INSTANCE = new Uint8Array(16).fill(2);

/** An example of every message, and of what it may leave out. */
export const MESSAGES: readonly Message[] = [
  {
    type: "hello",
    version: 1,
    agent: "alice",
    instance: INSTANCE,
    nonce: NONCE,
    software: "sluice 1",
  },
  {
    type: "hello",
    version: 2,
    agent: "",
    instance: INSTANCE,
    nonce: NONCE,
    key: new Uint8Array(8),
  },
  { type: "challenge", nonce: NONCE, proof: NONCE },
  { type: "login", proof: NONCE },
  { type: "welcome", domain: "tunnel.example.com", heartbeat: 10_000, silence: 15_000 },
  { type: "open", endpoint: 1, kind: "http", name: "blog", generated: true, allow: ["10.0.0.0/8"] },
  { type: "open", endpoint: 65_535, kind: "udp", port: 51_820 },
  { type: "opened", endpoint: 1, address: "https://blog.tunnel.example.com", name: "blog" },
  { type: "rejected", endpoint: 1, code: "name_taken", message: "blog is another agent's" },
  { type: "shut", endpoint: 1 },
  { type: "tickets", tickets: [NONCE, new Uint8Array(32)], lifetime: 30_000 },
  { type: "ping" },
  { type: "pong" },
  { type: "goodbye", code: "draining", message: "" },
  { type: "join", ticket: NONCE },
  { type: "visit", endpoint: 1, visitor: "[2001:db8::1]:5", destination: "192.0.2.1:443" },
  { type: "accept" },
  { type: "unreachable", message: "Connection refused" },
  { type: "end" },
];
