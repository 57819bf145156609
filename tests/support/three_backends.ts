import { AddressSet } from "../../lib/acl.ts";
import { parseCidr } from "../../lib/addr.ts";
import type { TcpListenerConfig } from "../../lib/config/config.ts";
import { named, Rig } from "./rig.ts";
import { defaultTo, listenerWith, poolOf, routeTo } from "./routes.ts";

export const SSH = routeTo("shell", { protocol: "ssh" }, poolOf("127.0.0.1", 22));
export const HTTP = routeTo("web", { protocol: "http" }, poolOf("127.0.0.1", 80));
export const DEFAULT = defaultTo(poolOf("127.0.0.1", 99));

export const networks = (...texts: string[]) =>
  new AddressSet(texts.map((text) => parseCidr(text)!));

/** A rig with ssh, http and default backends that answer with their names. */
export async function rigWith(changes: Partial<TcpListenerConfig> = {}): Promise<Rig> {
  const rig = new Rig();
  rig.backend(22, named("shell"));
  rig.backend(80, named("web"));
  rig.backend(99, named("default"));
  await rig.apply([listenerWith({ routes: [SSH, HTTP], defaultRoute: DEFAULT, ...changes })]);
  return rig;
}
