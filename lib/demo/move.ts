/**
 * The last act of the demo: its configuration file changes, routes lead elsewhere, and the connection that is open and
 * the flow that is in use go on.
 *
 * @module
 */
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import type { ConnectionRecord } from "../access_log.ts";
import type { Clock } from "../runtime/runtime.ts";
import { demoConfig } from "./config.ts";
import { type Stage, TCP, within } from "./exchange.ts";
import { Phone } from "./phone.ts";
import { mark, type Screen, type Style } from "./table.ts";

/**
 * Plays it, and tells it line by line.
 * @returns Whether everything was right.
 * @throws {Error} If something did not come in time.
 */
export async function moveRoutes(stage: Stage, { print, style }: Screen): Promise<boolean> {
  const { backends, clock, journal, path, port } = stage;
  const start = clock.now();
  let allRight = true;
  const tell = (text: string, right = true) => {
    allRight &&= right;
    const time = `${Math.round(clock.now() - start)} ms`.padStart(6);
    print(` ${mark(right, style)} ${style.faint(time)}  ${text}\n`);
  };

  const phone = await Phone.call(stage);
  try {
    const first = await visit(stage);
    tell(`A client is greeted by ${first.banner}, and stays.`, first.banner === "SSH-2.0-blue");
    const [server] = phone.answers;
    tell(`A SIP phone is answered by ${server}, and asks on and on.`, server === "sip-blue");

    const before = await readFile(path, "utf8");
    const after = demoConfig(port, backends, "green");
    const logged = journal.nextLine();
    await writeFile(path, after);
    tell("The file is changed:");
    print(difference(before, after, style));
    const line = await within(clock, logged);
    const [, changes] = line.split(`reloaded ${path}: `);
    tell(`The proxy has taken it up: ${changes ?? line}`, changes !== undefined);

    const second = await visit(stage);
    const newPhone = await Phone.call(stage);
    await newPhone.hangUp();
    const answers = [second.banner, ...new Set(newPhone.answers)].join(" and ");
    tell(`A new client and a new phone get ${answers}.`, answers === "SSH-2.0-green and sip-green");
    const answer = await ask(first.wire, "still there?", clock);
    tell(`The first client is answered by ${answer}`, answer === "blue: still there?");
    await phone.hangUp();
    const servers = [...new Set(phone.answers)].join(" and ");
    tell(
      `The first phone has been answered ${phone.answers.length} times by ${servers}.`,
      servers === server,
    );
    const ends = [await leave(first, stage), await leave(second, stage)];
    tell(
      `The clients leave; the access log has ${ends.join(" and ")}.`,
      ends.join() === "ssh → blue,ssh → green",
    );
    return allRight;
  } finally {
    await phone.hangUp();
  }
}

/** A connection of the route `ssh` that stays open. */
interface Visit {
  readonly wire: Socket;
  readonly record: Promise<ConnectionRecord>;
  readonly banner: string;
}

async function visit(stage: Stage): Promise<Visit> {
  const wire = await TCP.open(stage.port);
  const record = stage.journal.recordOf(TCP.transport, wire.localPort ?? 0);
  wire.setEncoding("utf8");
  return { wire, record, banner: await ask(wire, "SSH-2.0-visitor", stage.clock) };
}

/** Sends a line and gives the one that comes back. */
async function ask(wire: Socket, line: string, clock: Clock): Promise<string> {
  const heard = once(wire, "data");
  wire.write(`${line}\r\n`);
  const [answer] = await within(clock, heard);
  return String(answer).trim();
}

/** Ends a connection, and says what the proxy wrote down about it. */
async function leave(
  { wire, record }: Visit,
  { backends, clock }: Stage,
): Promise<string> {
  wire.end();
  const { reason, route, backend } = await within(clock, record);
  const name = backend && backends.nameAt(backend.port, "tcp");
  return reason === "ended" ? `${route} → ${name}` : `${route} → ${name} (${reason})`;
}

/** The lines that differ. */
function difference(before: string, after: string, style: Style): string {
  const [old, fresh] = [before.split("\n"), after.split("\n")];
  const gone = old.filter((line) => !fresh.includes(line)).map((line) => style.bad(`- ${line}`));
  const added = fresh.filter((line) => !old.includes(line)).map((line) => style.good(`+ ${line}`));
  return [...gone, ...added].map((line) => `            ${line}\n`).join("");
}
