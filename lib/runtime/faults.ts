/**
 * Faults of sluice where nobody is above to be told of them.
 *
 * @module
 */

let isKnown = false;

/**
 * A receiver of datagrams threw, which none does. That costs its datagram and nothing else; the first time it is
 * written to standard error: of a flood of them one is enough to know of.
 */
export function reportFault(error: unknown): void {
  if (!isKnown) console.error("sluice: internal fault, a datagram is lost:", error);
  isKnown = true;
}
