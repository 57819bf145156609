/**
 * What Prometheus wants to know of any process, by the names that it knows it by, as far as that costs next to nothing.
 *
 * @module
 */
import { accessSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import process from "node:process";
import { Counter, Gauge, type Registry } from "prom-client";

/** Where Linux shows a process its own descriptors. Elsewhere they are not counted. */
const DESCRIPTORS = "/proc/self/fd";
const LIMITS = "/proc/self/limits";

/** Adds the metrics of this process to `registry`; they are read when it is. */
export function registerProcessMetrics(registry: Registry): void {
  const registers = [registry];
  new Counter({
    name: "process_cpu_seconds_total",
    help: "Processor time that was used, of user and system, in seconds.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  new Gauge({
    name: "process_start_time_seconds",
    help: "When the process was started, in seconds since 1970.",
    registers,
  }).set(Date.now() / 1000 - process.uptime());
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Memory that is resident.",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: "process_heap_bytes",
    help: "Memory that the runtime has taken for its heap.",
    registers,
    collect() {
      this.set(process.memoryUsage().heapTotal);
    },
  });
  if (showsDescriptors()) registerDescriptors(registers);
}

/** Deno lets a process with less than every permission see nothing of /proc. */
function showsDescriptors(): boolean {
  try {
    accessSync(DESCRIPTORS);
    return true;
  } catch {
    return false;
  }
}

function registerDescriptors(registers: Registry[]): void {
  const most = mostDescriptors();
  new Gauge({
    name: "process_open_fds",
    help: "Descriptors that are open.",
    registers,
    async collect() {
      this.set(await openDescriptors(most));
    },
  });
  new Gauge({
    name: "process_max_fds",
    help: "Most descriptors that may be open.",
    registers,
  }).set(most);
}

async function openDescriptors(most: number): Promise<number> {
  try {
    return (await readdir(DESCRIPTORS)).length;
  } catch {
    // None is left to count the others with.
    return most;
  }
}

/** The soft limit; infinite where there is none. */
function mostDescriptors(): number {
  const [, limit] = /^Max open files +(\d+)/m.exec(readFileSync(LIMITS, "utf8")) ?? [];
  return limit === undefined ? Infinity : Number(limit);
}
