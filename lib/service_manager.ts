/**
 * What the service manager that started the process is told (sd_notify(3)), if it wants to be.
 *
 * @module
 */
import type { Log } from "./log.ts";
import type { Process } from "./runtime/process.ts";
import { systemReason } from "./system_error.ts";

/** The process is up, or on its way out. */
export type ServiceState = "READY=1" | "STOPPING=1";

/** Tells it, and the log if that failed: a manager that waits in vain ends the process. Never rejects. */
export async function tellServiceManager(
  process: Pick<Process, "env" | "sendLocal">,
  state: ServiceState,
  log: Pick<Log, "warning">,
): Promise<void> {
  const socket = process.env["NOTIFY_SOCKET"];
  if (!socket) return;
  try {
    if (process.sendLocal === undefined) throw new Error("this runtime has no way to");
    await process.sendLocal(socket, state);
  } catch (error) {
    log.warning(`cannot tell the service manager ${state}: ${systemReason(error)}`);
  }
}
