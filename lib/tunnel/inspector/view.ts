/**
 * Exchanges as the page gets them, in JSON.
 *
 * @module
 */
import type { Body, Exchange } from "../http/exchange.ts";
import type { Field } from "../http/fields.ts";
import { redactedField, redactedTarget } from "./redact.ts";
import { obstacleTo } from "./replay.ts";

/** An exchange in the list. */
export function summaryOf(exchange: Exchange): object {
  const { id, place, startedAt, request, response, upgradedTo, outcome, duration } = exchange;
  return {
    id,
    endpoint: place.endpoint,
    replayOf: place.replayOf,
    startedAt,
    method: request.method,
    target: redactedTarget(request.target),
    status: response?.status,
    upgradedTo,
    outcome,
    duration,
    size: exchange.responseBody.length,
  };
}

/**
 * All about an exchange.
 * @param reveals Whether credentials are shown.
 */
export function detailsOf(exchange: Exchange, reveals: boolean): object {
  const { request, response } = exchange;
  const fields = (all: readonly Field[]) => reveals ? all : all.map(redactedField);
  return {
    ...summaryOf(exchange),
    visitor: exchange.place.visitor,
    interim: exchange.interim,
    waited: exchange.waited,
    obstacle: obstacleTo(exchange),
    isRedacted: !reveals && hasCredentials(exchange),
    request: {
      target: reveals ? request.target : redactedTarget(request.target),
      version: request.version,
      fields: fields(request.fields),
      body: bodyOf(exchange.requestBody),
    },
    response: response && {
      status: response.status,
      reason: response.reason,
      version: response.version,
      fields: fields(response.fields),
      body: bodyOf(exchange.responseBody),
    },
  };
}

function hasCredentials({ request, response }: Exchange): boolean {
  const isHidden = (field: Field) => redactedField(field)[1] !== field[1];
  return redactedTarget(request.target) !== request.target || request.fields.some(isHidden) ||
    (response?.fields.some(isHidden) ?? false);
}

function bodyOf(body: Body): object {
  return { length: body.length, kept: body.kept, base64: body.bytes.toBase64() };
}
