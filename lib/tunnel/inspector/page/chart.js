// The agent: how it is, and what it moves.

import { element, moment, size, visible } from "./format.js";

const SECONDS = 120;
const HEIGHT = 38;
const samples = [];

const byId = (id) => document.getElementById(id);

/** Shows the status. */
export function showStatus(status) {
  const words = {
    connected: `Connected to ${status.edge}`,
    connecting: `Connecting to ${status.edge} …`,
    waiting: `Waiting to connect to ${status.edge} again`,
    stopped: `Not connected to ${status.edge}`,
  };
  const problem = status.problem === undefined ? "" : `: ${status.problem}`;
  setState(status.state, `${words[status.state] ?? status.state}${problem}`);
  byId("state").title = `since ${moment(status.since)}`;
  byId("visitors").textContent = status.visitors;
  const list = byId("endpoints");
  const key = JSON.stringify(status.endpoints);
  if (list.dataset.shown === key) return;
  list.dataset.shown = key;
  list.replaceChildren(...status.endpoints.map(endpointItem));
}

/** Shows that the agent itself does not answer. */
export function showGone() {
  setState("gone", "The agent does not answer");
}

function setState(state, text) {
  const line = byId("state");
  line.dataset.state = state;
  if (line.textContent !== text) line.textContent = text;
}

function endpointItem({ address, service, kind }) {
  const isLink = /^https?:\/\//.test(address ?? "");
  const name = isLink
    ? element("a", { href: address, target: "_blank", rel: "noreferrer" }, visible(address))
    : visible(address ?? `${kind}: no address yet`);
  return element("li", {}, name, element("span", { className: "quiet" }, ` → ${visible(service)}`));
}

/** Starts the chart with the seconds that are known. */
export function setSamples(known) {
  samples.splice(0, samples.length, ...known);
  draw();
}

/** The last second. */
export function addSample(sample) {
  samples.push(sample);
  if (samples.length > SECONDS) samples.shift();
  draw();
}

function draw() {
  const top = Math.max(1, ...samples.map(({ up, down }) => Math.max(up, down)));
  for (const direction of ["up", "down"]) {
    const points = samples.map((sample, index) => {
      const x = SECONDS - samples.length + index;
      return `${x} ${(1 + HEIGHT * (1 - sample[direction] / top)).toFixed(1)}`;
    });
    byId(direction).setAttribute("d", points.length === 0 ? "" : `M${points.join("L")}`);
    byId(`${direction}-rate`).textContent = `${size(samples.at(-1)?.[direction] ?? 0)}/s`;
  }
}
