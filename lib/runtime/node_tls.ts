/**
 * TLS on `node:tls`, which Deno and Bun have alike. The entry points load it on demand.
 *
 * @module
 */
import { connect as connectPlain, type Socket } from "node:net";
import { connect, createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { parseIp, type SocketAddress } from "../addr.ts";
import { Timeouts } from "../timeouts.ts";
import { type Flow, NodeConn } from "./node_conn.ts";
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
      return await this.#shakeHands(socket, secured, timeout, () => {
        agree(secured, alpn, "client");
        return sha256;
      });
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
        ...serverName === undefined || parseIp(serverName) ? {} : { servername: serverName },
        ...trust.kind === "authorities" ? { ca: trust.pem } : {},
        ...HALF_OPEN,
      });
      return await this.#shakeHands(socket, secured, timeout, () => {
        const shown = secured.getPeerCertificate(true);
        const wrong = distrust(secured, shown, trust, serverName ?? to.address, this.#clock.date());
        if (wrong !== undefined) throw new NetError("untrusted", wrong);
        agree(secured, alpn, "server");
        return sha256Of(shown.raw);
      });
    } catch (error) {
      socket.destroy();
      throw handshakeError(error, alpn, "server");
    }
  }

  /** @param judge Called when the handshake is over, and says what the server's certificate is. */
  async #shakeHands(
    socket: Socket,
    secured: TLSSocket,
    timeout: number,
    judge: () => Uint8Array,
  ): Promise<SecureConn> {
    const over = Promise.withResolvers<void>();
    const limit = this.#timeouts.start(timeout, () => {
      over.reject(new NetError("timeout", `no handshake within ${timeout} ms`));
    });
    secured.on("error", over.reject);
    const gone = () => over.reject(new NetError("reset", "Connection reset by peer"));
    secured.once("end", gone).once("close", gone);
    // One for the server's side, one for the client's.
    secured.once("secure", over.resolve).once("secureConnect", over.resolve);
    // It reads from the beginning: a socket that nobody reads tells of no end.
    const conn = new NodeSecureConn(secured, flowOf(socket));
    try {
      await over.promise;
      conn.certificate = judge();
      // What is made of it need not have them.
      conn.noteAddressesOf(socket);
      return conn;
    } catch (error) {
      conn.close();
      throw error;
    } finally {
      limit.cancel();
    }
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
  /** Known when the handshake is over, and nobody has the connection before. */
  certificate: Uint8Array = new Uint8Array(0);
}

/**
 * Deno's secured sockets cannot be paused: what comes meanwhile is lost, the end of the stream for one. So what is stopped
 * is the socket beneath, where it can be (Bun's cannot, and need not).
 */
function flowOf(socket: Socket): Flow | undefined {
  const { _handle: handle } = socket as unknown as { readonly _handle?: Partial<Handle> };
  if (handle?.readStop === undefined || handle.readStart === undefined) return undefined;
  return { stop: () => void handle.readStop?.(), start: () => void handle.readStart?.() };
}

/** What Node has beneath a socket. */
interface Handle {
  readStart(): number;
  readStop(): number;
}

/** A handshake may also end without agreement on a protocol. */
function agree(secured: TLSSocket, alpn: string, peer: Peer): void {
  if (secured.alpnProtocol !== alpn) {
    throw new NetError("other", `the ${peer} does not speak ${alpn}`);
  }
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
