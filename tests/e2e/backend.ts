/**
 * A backend as a process of its own, so that it can be killed: `deno run backend.ts KIND NAME PORT`.
 * It says `listening` once it does.
 *
 * | kind | what it does |
 * |---|---|
 * | `echo` | says its name in a line when the first bytes come, then sends back what it gets |
 * | `smtp` | speaks first: takes mail, of which it says its subject on standard output |
 * | `deaf` | says its name in a line when the first byte comes, and reads no further |
 *
 * @module
 */
type Serve = (conn: Deno.Conn, name: string) => Promise<void>;

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const KINDS: Readonly<Record<string, Serve>> = { echo, smtp, deaf };

if (import.meta.main) await listen(Deno.args);

async function listen([kind = "", name = "", port = ""]: readonly string[]): Promise<void> {
  const serve = KINDS[kind];
  if (serve === undefined) throw new Error(`no kind of backend: ${kind}`);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: Number(port), tcpBacklog: 4096 });
  console.log("listening");
  for (;;) {
    // A client that resets its connection is no business of a backend: not even before it was accepted.
    const conn = await listener.accept().catch(() => undefined);
    if (conn !== undefined) serve(conn, name).catch(() => {}).finally(() => conn.close());
  }
}

async function echo(conn: Deno.Conn, name: string): Promise<void> {
  const buffer = new Uint8Array(65_536);
  let greeted = false;
  for (;;) {
    const length = await conn.read(buffer);
    if (length === null) break;
    if (!greeted) await writeAll(conn, encoder.encode(`${name}\n`));
    greeted = true;
    await writeAll(conn, buffer.subarray(0, length));
  }
}

/** As much of RFC 5321 as a client needs to get rid of a mail. */
async function smtp(conn: Deno.Conn, name: string): Promise<void> {
  const say = (line: string) => writeAll(conn, encoder.encode(`${line}\r\n`));
  const buffer = new Uint8Array(65_536);
  let inMail = false;
  let rest = "";
  await say(`220 ${name} ESMTP`);
  for (;;) {
    const length = await conn.read(buffer);
    if (length === null) return;
    const lines = (rest + decoder.decode(buffer.subarray(0, length))).split("\r\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (inMail && line.startsWith("Subject: ")) console.log(line);
      if (inMail && line !== ".") continue;
      inMail = line === "DATA";
      if (line === "QUIT") return await say("221 bye");
      await say(inMail ? "354 go on" : "250 ok");
    }
  }
}

/** What it has not read makes its end a reset, not a close. */
async function deaf(conn: Deno.Conn, name: string): Promise<void> {
  if (await conn.read(new Uint8Array(1)) !== null) {
    await writeAll(conn, encoder.encode(`${name}\n`));
  }
  await new Promise(() => {});
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}
