/**
 * A QUIC server as a process of its own: `deno run --unstable-net quic_backend.ts NAME PORT FOLDER ALPN…`, where the
 * folder holds its `key.pem` and `cert.pem`. It says `listening` once it does. On each stream it says its name in a
 * line, then sends back what it gets.
 *
 * @module
 */
const encoder = new TextEncoder();

if (import.meta.main) await listen(Deno.args);

async function listen([name = "", port, folder, ...alpnProtocols]: readonly string[]) {
  const endpoint = new Deno.QuicEndpoint({ hostname: "127.0.0.1", port: Number(port) });
  const key = await Deno.readTextFile(`${folder}/key.pem`);
  const cert = await Deno.readTextFile(`${folder}/cert.pem`);
  const listener = endpoint.listen({ key, cert, alpnProtocols });
  console.log("listening");
  for await (const incoming of listener) {
    // A client that is gone is no business of a backend.
    incoming.accept<false>().then((conn) => serve(conn, name)).catch(() => {});
  }
}

async function serve(conn: Deno.QuicConn, name: string): Promise<void> {
  for await (const stream of conn.incomingBidirectionalStreams) {
    echo(stream, name).catch(() => {});
  }
}

async function echo({ readable, writable }: Deno.QuicBidirectionalStream, name: string) {
  const writer = writable.getWriter();
  await writer.write(encoder.encode(`${name}\n`));
  for await (const bytes of readable) await writer.write(bytes);
  await writer.close();
}
