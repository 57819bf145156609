/**
 * What is said when an address cannot be listened on.
 *
 * @module
 */
import { formatAddress, type SocketAddress } from "./addr.ts";
import { NetError, type NetErrorCode } from "./runtime/runtime.ts";

const LOW_PORT =
  "ports below 1024 are privileged: use a higher one, give the executable the capability " +
  "(`setcap cap_net_bind_service=+ep FILE`), or lower the bound (`sysctl net.ipv4.ip_unprivileged_port_start`)";

/** The same error, in words that name the address and what can be done. */
export function cannotListen(at: SocketAddress, { code, message }: NetError): NetError {
  const hints: Partial<Record<NetErrorCode, string>> = {
    in_use: "another process listens there",
    unavailable: "this machine has no such address",
    denied: at.port < 1024 ? LOW_PORT : "not permitted",
  };
  return new NetError(code, `cannot listen on ${formatAddress(at)}: ${hints[code] ?? message}`);
}
