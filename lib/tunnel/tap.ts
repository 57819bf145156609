/**
 * What may look into a visit.
 *
 * @module
 */

/**
 * Stands between a visitor and a service and sees every byte in its order. Each call is synchronous and throws nothing;
 * what it keeps is bounded. What it returns may be what it was given, or memory of its own that holds until the next call;
 * what it was given is altered by nobody until then, and by others afterwards.
 */
export interface Tap {
  /** From the visitor: what goes on to the service. */
  up(bytes: Uint8Array): Uint8Array;
  /** From the service: what goes on to the visitor. */
  down(bytes: Uint8Array): Uint8Array;
  /** The visitor sends nothing more. */
  upEnded(): void;
  /** The service sends nothing more. */
  downEnded(): void;
  /** The visit is over, or broken off. */
  closed(): void;
  /** Once set: the visitor is answered with this, in place of the service, and then the visit ends. */
  readonly answer: Uint8Array | undefined;
}
