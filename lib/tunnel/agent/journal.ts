/**
 * What an agent tells its user.
 *
 * @module
 */
import type { Exchange } from "../http/exchange.ts";
import type { EndpointKind, Rejection } from "../messages.ts";
import type { VisitEndReason } from "../visit_end.ts";

/** Takes what happens, in the order in which it does. Waits for nothing, and throws nothing. */
export interface Journal {
  /** The edge has answered for every endpoint, and some address is new, or not that of before. */
  serving(endpoints: readonly Served[]): void;
  /** The edge is there again, and every address is as it was. */
  back(): void;
  /** The edge cannot be reached, or was lost; it is tried again in so many ms. */
  away(why: string, pause: number): void;
  rejected(label: string, code: Rejection, message: string): void;
  /** A visitor did not get through to the service, the first one after some who did. */
  serviceFailed(label: string, why: string): void;
  /** A visitor got through again. */
  serviceAnswers(label: string): void;
  /** A visitor over tcp, tls or udp has left. */
  visited(visit: VisitRecord): void;
  /** A request was answered. */
  answered(exchange: Exchange): void;
  note(text: string): void;
  warn(text: string): void;
}

export interface Served {
  readonly label: string;
  readonly kind: EndpointKind;
  readonly address: string;
  /** Where the service is. */
  readonly service: string;
}

export interface VisitRecord {
  readonly label: string;
  readonly kind: EndpointKind;
  /** `ip:port` */
  readonly visitor: string;
  /** Bytes from the visitor to the service, and back. */
  readonly up: number;
  readonly down: number;
  /** ms */
  readonly duration: number;
  readonly reason: VisitEndReason;
}
