import { DenoNet } from "../../../lib/runtime/deno.ts";
import { MemoryNet } from "../../support/memory_net.ts";
import { netDatagramContract } from "../../support/net_datagram_contract.ts";

function underTest(net: DenoNet | MemoryNet) {
  return { net, close: () => net.close() };
}

netDatagramContract("Deno", (clock) => underTest(new DenoNet(clock)));
netDatagramContract("memory", (clock) => underTest(new MemoryNet(clock)));
