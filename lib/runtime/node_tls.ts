/**
 * TLS on `node:tls`, which Deno and Bun have alike. The entry points load it on demand.
 *
 * @module
 */
import { connect as connectPlain } from "node:net";
import { connect, createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { SocketAddress } from "../addr.ts";
import { type Timeout, Timeouts } from "../timeouts.ts";
import { NodeConn } from "./node_conn.ts";
import { nameOf, netError } from "./node_errors.ts";
import { listen } from "./node_listener.ts";
import { distrust, pinOf, sha256Of } from "./node_trust.ts";
import {
  type AcceptOptions,
  type Clock,
  type Conn,
  type Listener,
  type ListenOptions,
  NetError,
  type SecureConn,
  type SecureConnectOptions,
  type Tls,
} from "./runtime.ts";

const VERSION = "TLSv1.3";
/** Apart, because the types do not know that secured sockets have it. */
const HALF_OPEN = { allowHalfOpen: true };

/** `close()` lets go of its timers once no handshake is under way. */
export class NodeTls implements Tls {
  readonly #clock: Clock;
  readonly #timeouts: Timeouts;
  /** What the last handshake was made with: the next one's are the same, until the certificate is another. */
  #identity: Identity | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#timeouts = new Timeouts(clock);
  }

  listen(options: ListenOptions): Promise<Listener> {
    return listen(options);
  }

  async accept(conn: Conn, options: AcceptOptions): Promise<SecureConn> {
    if (!(conn instanceof NodeConn)) {
      throw new TypeError("a handshake is for connections of its own Tls");
    }
    const { alpn, timeout, first } = options;
    const socket = conn.release();
    // What is wrong with it is told by what is made of it.
    socket.on("error", () => {});
    try {
      if (first !== undefined && first.length > 0) socket.unshift(first);
      const { context, sha256 } = this.#identify(options);
      const secured = new TLSSocket(socket, {
        isServer: true,
        secureContext: context,
        ALPNProtocols: [alpn],
        ...HALF_OPEN,
      });
      await this.#established(secured, "secure", timeout);
      return agreed(secured, alpn, "client", sha256);
    } catch (error) {
      socket.destroy();
      throw handshakeError(error, alpn, "client");
    }
  }

  #identify({ certificate, privateKey }: AcceptOptions): Identity {
    const known = this.#identity;
    if (known?.certificate === certificate && known.privateKey === privateKey) return known;
    const context = createSecureContext({
      cert: certificate,
      key: privateKey,
      minVersion: VERSION,
    });
    const sha256 = pinOf(certificate);
    return this.#identity = { certificate, privateKey, context, sha256 };
  }

  async connect(to: SocketAddress, options: SecureConnectOptions): Promise<SecureConn> {
    const { serverName, alpn, trust, timeout } = options;
    const socket = connectPlain({ host: to.address, port: to.port, allowHalfOpen: true });
    socket.on("error", () => {});
    try {
      const secured = connect({
        socket,
        minVersion: VERSION,
        ALPNProtocols: [alpn],
        // Judged below, in words that say what is wrong.
        rejectUnauthorized: false,
        checkServerIdentity: () => undefined,
        ...serverName === undefined ? {} : { servername: serverName },
        ...trust.kind === "authorities" ? { ca: trust.pem } : {},
        ...HALF_OPEN,
      });
      await this.#established(secured, "secureConnect", timeout);
      const wrong = distrust(secured, trust, serverName ?? to.address, this.#clock.date());
      if (wrong !== undefined) throw new NetError("untrusted", wrong);
      return agreed(secured, alpn, "server", sha256Of(secured.getPeerCertificate(true).raw));
    } catch (error) {
      socket.destroy();
      throw handshakeError(error, alpn, "server");
    }
  }

  /** Waits for the end of the handshake. */
  #established(secured: TLSSocket, event: string, timeout: number): Promise<void> {
    let limit: Timeout | undefined;
    return new Promise<void>((resolve, reject) => {
      limit = this.#timeouts.start(timeout, () => {
        reject(new NetError("timeout", `no handshake within ${timeout} ms`));
        secured.destroy();
      });
      secured.once(event, resolve);
      secured.on("error", reject);
      secured.once("close", () => reject(new NetError("reset", "Connection reset by peer")));
    }).finally(() => limit?.cancel());
  }

  close(): void {
    this.#timeouts.close();
  }
}

/** What a server shows in its handshakes. */
interface Identity extends Pick<AcceptOptions, "certificate" | "privateKey"> {
  readonly context: SecureContext;
  readonly sha256: Uint8Array;
}

type Peer = "client" | "server";

class NodeSecureConn extends NodeConn implements SecureConn {
  constructor(secured: TLSSocket, readonly certificate: Uint8Array) {
    super(secured);
  }
}

/** The connection, if both ends speak `alpn`: a handshake may also end without that. */
function agreed(secured: TLSSocket, alpn: string, peer: Peer, sha256: Uint8Array): SecureConn {
  if (secured.alpnProtocol !== alpn) {
    throw new NetError("other", `the ${peer} does not speak ${alpn}`);
  }
  return new NodeSecureConn(secured, sha256);
}

function handshakeError(error: unknown, alpn: string, peer: Peer): NetError {
  if (error instanceof NetError) return error;
  const name = nameOf(error);
  const spoken = /NO_APPLICATION_PROTOCOL/.test(name)
    ? alpn
    : /UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION/.test(name)
    ? "TLS 1.3"
    : /WRONG_VERSION_NUMBER|HTTP_REQUEST/.test(name)
    ? "TLS"
    : undefined;
  if (spoken === undefined) return netError(error);
  return new NetError("other", `the ${peer} does not speak ${spoken}`, { cause: error });
}
