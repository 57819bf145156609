import { BunNet } from "../../lib/runtime/bun.ts";
import type { ManualClock } from "../support/clock.ts";
import { netContract, type NetUnderTest } from "../support/net_contract.ts";
import { netDatagramContract } from "../support/net_datagram_contract.ts";

function underTest(clock: ManualClock): NetUnderTest {
  const net = new BunNet(clock);
  return { net, close: () => net.close() };
}

netContract("Bun", underTest);
netDatagramContract("Bun", underTest);
