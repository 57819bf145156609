/**
 * nginx as a proxy of datagrams, to show what its users get.
 *
 * @module
 */
import type { Scope } from "../support/children.ts";
import { freePortOfBoth } from "../support/udp_ports.ts";

/** Where Debian has the module; elsewhere it is built in. */
const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** Starts nginx on a port whose clients share the backends, one after the other; returns the port. */
export async function startNginxStream(scope: Scope, backends: readonly number[]): Promise<number> {
  const folder = await scope.folder();
  const port = freePortOfBoth();
  const isModule = await Deno.stat(STREAM_MODULE).then(() => true, () => false);
  await Deno.writeTextFile(
    `${folder}/conf`,
    `
    ${isModule ? `load_module ${STREAM_MODULE};` : ""}
    daemon off; master_process off; pid ${folder}/pid; error_log stderr notice;
    events {}
    stream {
      upstream backends { ${backends.map((each) => `server 127.0.0.1:${each};`).join(" ")} }
      server { listen 127.0.0.1:${port} udp; proxy_pass backends; }
    }`,
  );
  const child = scope.start("nginx", ["-p", folder, "-e", "stderr", "-c", `${folder}/conf`]);
  // It says so once it has its ports.
  await child.stderr.next(/event method/);
  return port;
}
