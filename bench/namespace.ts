/**
 * A network namespace for the run: no other traffic, and enough ephemeral ports that connections/s is not
 * limited by their number.
 *
 * @module
 */

const INSIDE = "BENCH_NAMESPACE";

/** As root, and as anybody where user namespaces are allowed. */
const WAYS_IN = [["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]];

const PREPARE = `
ip link set lo up &&
echo 1024 65535 >/proc/sys/net/ipv4/ip_local_port_range &&
echo "$PORTS" >/proc/sys/net/ipv4/ip_local_reserved_ports &&
exec "$@"`;

/** Whether this process is the one inside. */
export function inNamespace(): boolean {
  return Deno.env.has(INSIDE);
}

/**
 * Runs this program again in a namespace of its own.
 * @param ports The ports to listen on there, which are kept from being used as ephemeral ones.
 * @returns Its exit code, or `undefined` where no namespace can be made.
 */
export async function runInNamespace(ports: string): Promise<number | undefined> {
  for (const way of WAYS_IN) {
    const enter = [...way, "sh", "-c", PREPARE, "sh"];
    if (!await succeeds([...enter, "true"], ports)) continue;
    const inner = spawn([...enter, Deno.execPath(), "run", "-A", Deno.mainModule, ...Deno.args], {
      env: { PORTS: ports, [INSIDE]: "1" },
    });
    // Only the inner one knows what is to be ended; from a terminal it gets the signal a second time.
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(signal, () => inner.kill("SIGTERM"));
    }
    return (await inner.status).code;
  }
  return undefined;
}

async function succeeds(command: readonly string[], ports: string): Promise<boolean> {
  try {
    const options = { env: { PORTS: ports }, stdout: "null", stderr: "null" } as const;
    return (await spawn(command, options).status).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function spawn([program = "", ...args]: readonly string[], options: Deno.CommandOptions) {
  return new Deno.Command(program, { args, ...options }).spawn();
}
