/**
 * What the demo shows, act by act, and whether all of it was right.
 *
 * @module
 */
import { formatAddress } from "../addr.ts";
import type { Certificates } from "./backends.ts";
import { type Outcome, play, type Played, rehearse, type Stage, TCP, UDP } from "./exchange.ts";
import { HOST } from "./host.ts";
import { moveRoutes } from "./move.ts";
import { rows } from "./rows.ts";
import { connectionLine, headLine, mark, type Screen } from "./table.ts";
import { helloToA, moves, udpRows } from "./udp_rows.ts";

/**
 * Shows every protocol, clients that move, and the reload.
 * @param start When the demo began (`Clock.now()`, ms).
 * @returns Whether everything was right.
 */
export async function show(
  certificates: Certificates,
  stage: Stage,
  screen: Screen,
  start: number,
): Promise<boolean> {
  const { print, style } = screen;
  const title = (text: string) => print(`\n${style.strong(text)}\n`);
  const at = style.strong(formatAddress({ address: HOST, port: stage.port }));
  title("One port, every protocol");
  print(
    `\nsluice listens on ${at}, by TCP and UDP, in front of ${stage.backends.count} backends.\n`,
  );
  print(`Its configuration is ${stage.path}\n`);

  const connections = rows(stage.backends, certificates);
  await rehearse(connections, stage);
  // By UDP it is over, and in the log, after a silence only. So its clients go first, and TCP is shown meanwhile.
  const flows = await playFlows(stage);

  let wrong = 0;
  print(`\n${headLine("sent by TCP", style)}`);
  for (const row of connections) {
    const played = await play(row, TCP, stage);
    wrong += tell(played.sent, await played.outcome, stage, screen);
  }
  // The next act's times are its own: it may begin before it is shown.
  let reload = "";
  const reloaded = moveRoutes(stage, { style, print: (text) => reload += text }).catch((error) => {
    reload += ` ${mark(false, style)} ${error}\n`;
    return false;
  });

  let wrongFlows = 0;
  const showFlows = async (all: readonly Played[]) => {
    print(`\n${headLine("sent by UDP", style)}`);
    for (const { sent, outcome } of all) wrongFlows += tell(sent, await outcome, stage, screen);
  };
  await showFlows(flows.still);
  const note = (...all: readonly string[]) =>
    print(`\n${all.map((line) => `   ${style.faint(line)}\n`).join("")}`);
  note(
    "The columns are the proxy's access log. Each client has checked its answer, and those of TLS",
    "the certificate of their backend. Those of QUIC and WireGuard speak as far as one sees without",
    "keys: their hellos are real, and what is encrypted later on is plain text here.",
  );

  title("A client moves, its session stays");
  await showFlows([...flows.moving, await flows.back]);
  note(
    "Two servers take turns with new clients. A client that goes on gets its own: from another port",
    "by what is in its datagrams, from the same one also when its flow is over.",
  );

  title("Routes move, an open connection and a flow stay");
  const isReloaded = await reloaded;
  print(`\n${reload}`);

  const seconds = ((stage.clock.now() - start) / 1000).toFixed(1);
  const flowCount = flows.still.length + flows.moving.length + 1;
  const wrongs = [
    ...wrong > 0 ? [`${wrong} of ${connections.length} connections`] : [],
    ...wrongFlows > 0 ? [`${wrongFlows} of ${flowCount} flows`] : [],
    ...isReloaded ? [] : ["the reload"],
  ];
  const all = `${connections.length} connections, ${flowCount} flows and the reload`;
  const verdict = wrongs.length === 0
    ? style.good(`All ${all} went right, in ${seconds} s.`)
    : style.bad(`Not right: ${wrongs.join(", ")}.`);
  print(`\n${verdict}\n\n`);
  return wrongs.length === 0;
}

/** The clients of UDP that have said what they say. */
interface Flows {
  readonly still: readonly Played[];
  readonly moving: readonly Played[];
  /** The one that comes back when it is forgotten by all but the memory for sessions. */
  readonly back: Promise<Played>;
}

/** How many hellos of QUIC the proxy opens before one of them is in the table. */
const REHEARSALS = 20;

/** Plays them one after the other: some take turns. */
async function playFlows(stage: Stage): Promise<Flows> {
  // As with TCP, the times in the table are not to be those of code that runs for the first time.
  await Promise.all(Array.from({ length: REHEARSALS }, () => play(helloToA(), UDP, stage)));
  const still: Played[] = [];
  for (const row of udpRows()) still.push(await play(row, UDP, stage));
  const moving: Played[] = [];
  const { rows, last, back } = moves();
  for (const row of rows) moving.push(await play(row, UDP, stage));
  const over = Promise.all(moving.map(({ outcome }) => outcome));
  return { still, moving, back: over.then(() => play(last, back, stage)) };
}

/** Shows a row; says how many are wrong in it. */
function tell(
  sent: string,
  { record, mistakes }: Outcome,
  { backends }: Stage,
  { print, style }: Screen,
): number {
  const isRight = mistakes.length === 0;
  const line = record ? connectionLine(sent, record, backends) : `${sent}\n`;
  print(` ${mark(isRight, style)} ${line}`);
  for (const mistake of mistakes) print(`     ${style.bad(mistake)}\n`);
  return isRight ? 0 : 1;
}
