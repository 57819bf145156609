/**
 * Figures as text.
 *
 * @module
 */
import type { Workload } from "./workloads.ts";

/** A workload as far as it has units: those of UDP have no mode. */
interface Units {
  readonly name: string;
  readonly mode?: Workload["mode"];
}

/** Bytes/s for bulk, else exchanges/s. */
export function rateText({ mode }: Units, rate: number): string {
  return mode === "bulk" ? `${(rate / 1e9).toFixed(2)} GB/s` : whole(rate);
}

/** CPU time per byte for bulk, else per exchange, s. */
export function cpuText({ mode }: Units, cpu: number): string {
  if (mode === "bulk") return `${(cpu * 1e9).toFixed(2)} s/GB`;
  return mode === "rate" ? `${(cpu * 1e4).toFixed(2)} s/10,000` : microseconds(cpu * 1e6);
}

/** CPU time per datagram, s. */
export function cpuPerMillionText(cpu: number): string {
  return `${(cpu * 1e6).toPrecision(2)} s`;
}

export function shareText(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

export function ratioText(ratio: number): string {
  return `${ratio.toFixed(2)} ×`;
}

export function megabytes(bytes: number): string {
  return `${digits(bytes / 1e6)} MB`;
}

export function kilobytes(bytes: number): string {
  return `${digits(bytes / 1e3)} kB`;
}

export function milliseconds(ms: number): string {
  return `${digits(ms)} ms`;
}

export function microseconds(us: number): string {
  return `${digits(us)} µs`;
}

/** Two digits, or all before the point. */
function digits(value: number): string {
  return Math.abs(value) >= 10 ? whole(value) : value.toPrecision(2);
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}
