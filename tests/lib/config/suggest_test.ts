import assert from "node:assert/strict";
import { closest, didYouMean } from "../../../lib/config/suggest.ts";

const KEYS = [
  "target",
  "tcp_target",
  "listen_port",
  "load_balance",
  "alpns",
  "alpn",
  "acl",
  "server_names",
];

Deno.test("the closest known word is meant", () => {
  const slips = {
    listen_prot: "listen_port",
    Listen_Port: "listen_port",
    targets: "target",
    tpc_target: "tcp_target",
    loadbalance: "load_balance",
    server_name: "server_names",
    alpsn: "alpns",
    alc: "acl",
    tls_alpn: "alpn",
    my_load_balance_mode: "load_balance",
  };
  for (const [word, meant] of Object.entries(slips)) assert.equal(closest(word, KEYS), meant, word);
});

Deno.test("a word that is like none gets no suggestion", () => {
  for (const word of ["", "x", "timeout", "backend", "zzz"]) {
    assert.equal(closest(word, KEYS), undefined, word);
    assert.equal(didYouMean(word, KEYS), "");
  }
});
