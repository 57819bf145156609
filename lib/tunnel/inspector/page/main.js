// The page: what the inspector tells goes into the list, and what is chosen there is shown beside it.

import { addSample, setSamples, showGone, showStatus } from "./chart.js";
import { Details } from "./details.js";
import { List } from "./list.js";

const rows = document.getElementById("rows");
const details = new Details({
  onClose: () => {
    list.choose(undefined);
    rows.focus();
  },
  onReplay: (id) => list.choose(id),
});
const list = new List((id) => details.show(id));

const events = new EventSource("events");
let lastSecond = 0;

events.addEventListener("all", ({ data }) => {
  const { status, seconds, samples, exchanges } = JSON.parse(data);
  lastSecond = seconds;
  showStatus(status);
  setSamples(samples);
  list.reset(exchanges);
  if (list.chosen !== undefined) details.refresh();
});

events.addEventListener("news", ({ data }) => {
  const { status, seconds, sample, exchanges, gone } = JSON.parse(data);
  showStatus(status);
  if (seconds !== lastSecond && sample !== undefined) addSample(sample);
  lastSecond = seconds;
  list.update(exchanges, gone);
  if (exchanges.some(({ id }) => id === list.chosen)) details.refresh();
});

events.addEventListener("error", showGone);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isTyping = /^(?:INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "Escape") {
    if (list.chosen !== undefined) list.choose(undefined);
    rows.focus();
  } else if (isTyping) return;
  else if (event.key === "/") {
    event.preventDefault();
    document.getElementById("text").focus();
  } else if (event.key === "r") details.replay();
  else if (event.key === "Enter" && event.target === rows) {
    document.getElementById("details").focus();
  }
});
