/**
 * What the demo leaves its user with: commands to paste.
 *
 * @module
 */
import { basename, sep } from "node:path";
import { execPath, versions } from "node:process";
import { HOST } from "./host.ts";
import type { Stage } from "./exchange.ts";
import type { Style } from "./table.ts";

/** What to try when the demo is over. */
export function nextCommands(path: string, { faint }: Style): string {
  const { demo, sluice } = programs();
  return lines([
    faint("# the same, left running for clients of your own"),
    `${demo} --keep`,
    faint("# where a connection would go, and why, by the configuration of this demo"),
    `${sluice} explain -c ${path} --sni b.demo --alpn h2`,
    `${sluice} explain -c ${path} --udp --sni b.demo --alpn h3`,
    faint("# a configuration to start from, and what it does"),
    `${sluice} init`,
    `${sluice} --config sluice.toml`,
  ]);
}

/** What to try while it runs. */
export function liveCommands({ backends, path, port }: Stage, { faint }: Style): string {
  const at = `${HOST}:${port}`;
  const https = (name: string) =>
    `curl -k --resolve ${name}:${port}:${HOST} https://${name}:${port}/`;
  const dig = (name: string) => `dig @${HOST} -p ${port} +short ${name}`;
  return lines([
    `curl http://${at}/`,
    `curl -H 'Host: api.demo' http://${at}/`,
    `curl --http2-prior-knowledge -H Host:h2.demo http://${at}/`,
    https("a.demo"),
    https("b.demo"),
    https("c.demo") + faint("  # closed: no such name"),
    `curl --socks5 ${at} http://${HOST}:${backends.port("web")}/`,
    `redis-cli -p ${port} ping`,
    `echo SSH-2.0-me | ncat ${HOST} ${port}`,
    `echo good morning | ncat ${HOST} ${port}`,
    `ncat ${HOST} ${port}` + faint("  # waits, and is greeted by the mail server"),
    faint("# by UDP, on the same port"),
    dig("www.a.demo"),
    dig("www.b.demo"),
    `curl tftp://${at}/hello.txt`,
    `turnutils_stunclient -p ${port} ${HOST}`,
    `sipsak -vs sip:phone.demo@${at}`,
    `echo good morning | ncat -u ${HOST} ${port}`,
    faint("# a change of the file is live within a second"),
    `"\${EDITOR:-vi}" ${path}`,
  ]);
}

/** How the user says `sluice` and `sluice demo`: as the README starts it with a runtime, if there is one. */
function programs(): { readonly demo: string; readonly sluice: string } {
  const program = basename(execPath, ".exe");
  // One that npx brought along is not on the path.
  const cached = execPath.includes(`${sep}_npx${sep}`);
  const runtime = cached ? `npx -y ${program}@${versions[program]}` : program;
  if (program === "deno") return { demo: `${runtime} task demo`, sluice: `${runtime} task start` };
  const sluice = program === "bun" ? `${runtime} main_bun.ts` : program;
  return { demo: `${sluice} demo`, sluice };
}

function lines(all: readonly string[]): string {
  return all.map((line) => `   ${line}\n`).join("");
}
