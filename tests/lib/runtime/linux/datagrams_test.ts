import { linuxNet, loadLinux } from "../../../support/linux_net.ts";
import { netDatagramContract } from "../../../support/net_datagram_contract.ts";

const linux = await loadLinux();

if ("reason" in linux) Deno.test.ignore(`Linux, datagrams: ${linux.reason}`, () => {});
else netDatagramContract("Linux", (clock) => linuxNet(linux, clock));
