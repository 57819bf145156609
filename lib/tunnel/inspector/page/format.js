// Values as people read them, and elements.

/** An element with these properties and children; a text is never taken for markup. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function duration(ms) {
  if (ms === undefined) return "…";
  if (ms < 999.5) return `${digits(ms)} ms`;
  if (ms < 99_950) return `${digits(ms / 1000)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

function digits(value) {
  return value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

export function size(bytes) {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  let rest = bytes / 1000;
  for (const unit of ["kB", "MB", "GB"]) {
    if (rest < 999.5) return `${rest.toFixed(rest < 9.95 ? 1 : 0)} ${unit}`;
    rest /= 1000;
  }
  return `${rest.toFixed(1)} TB`;
}

/** A moment of today, or of another day with its date. */
export function moment(ms) {
  const date = new Date(ms);
  const isToday = date.toDateString() === new Date().toDateString();
  const time = date.toLocaleTimeString([], { hourCycle: "h23" });
  return isToday ? time : `${date.toLocaleDateString()} ${time}`;
}

/** Controls, and characters that turn the direction of writing, as they are escaped. */
export function visible(text) {
  const escape = (c) => `\\u${c.codePointAt(0).toString(16).padStart(4, "0")}`;
  return text.replace(/[\p{Cc}\p{Cf}]/gu, escape);
}

/** What came of an exchange, in a word or two, and its class. */
export function outcome({ status, upgradedTo, outcome }) {
  if (outcome === "cut_short") return { text: `${status} cut`, of: "none" };
  if (outcome === "malformed") {
    return { text: status === undefined ? "no HTTP" : `${status} broken`, of: "none" };
  }
  if (status !== undefined) return { text: String(status), of: String(status)[0] };
  if (upgradedTo !== undefined) return { text: upgradedTo, of: "1" };
  return outcome === undefined ? { text: "…", of: "waiting" } : { text: "no answer", of: "none" };
}
