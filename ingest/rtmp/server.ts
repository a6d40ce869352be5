import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Logger } from "pino";
import {
  AddressLimiter,
  errorCode,
  instantMs,
  type Rate,
  StarlingError,
} from "../../core/index.ts";
import { type OpenPublisher, RtmpConnection } from "./connection.ts";
import type { RtmpTimeouts } from "./patience.ts";
import { TlsDoor, type TlsFiles } from "./tls-door.ts";

/** The RTMP door of an origin. */
export interface RtmpServer {
  readonly port: number;
  /** Publishers that were turned away since the start, by error code. */
  readonly rejections: ReadonlyMap<string, number>;
  /** Closes the port and every connection. */
  close(): Promise<void>;
}

/** How to open the door. */
export interface RtmpServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Connections at a time, publishing or not. */
  readonly connectionsMax: number;
  readonly timeouts: RtmpTimeouts;
  /** Takes RTMPS too, on the same port. Undefined: RTMP only. */
  readonly tls?: TlsFiles | undefined;
  readonly open: OpenPublisher;
  readonly log: Logger;
}

/** Connections that one address may open: an encoder that is turned away comes back each few seconds. */
const KNOCKS: Rate = { burst: 200, perSecond: 5 };

/** Listens for publishers. Throws StarlingError "rtmp-port" when the port cannot be opened, or "rtmps-certificate". */
export async function startRtmpServer(options: RtmpServerOptions): Promise<RtmpServer> {
  const { connectionsMax, log } = options;
  const tls = options.tls && (await TlsDoor.open(options.tls, log));
  const connections = new Set<RtmpConnection>();
  /** Those of which it is not clear yet whether they are TLS. */
  const newcomers = new Set<Socket>();
  const rejections = new Map<string, number>();
  const countRejection = (code: string): void => {
    rejections.set(code, (rejections.get(code) ?? 0) + 1);
  };
  const knocks = new AddressLimiter(KNOCKS);
  const welcome = (socket: Socket): void => {
    const connection: RtmpConnection = new RtmpConnection(socket, {
      ...options,
      onClosed: (code, refused) => {
        connections.delete(connection);
        if (refused) countRejection(code);
      },
    });
    connections.add(connection);
  };
  const enter = async (socket: Socket, door: TlsDoor): Promise<void> => {
    newcomers.add(socket);
    socket.on("error", (error) => log.debug({ err: error }, "the RTMP socket failed"));
    const inner = await door.enter(socket, options.timeouts.handshakeTimeoutMs);
    newcomers.delete(socket);
    if (inner === undefined) socket.destroy();
    else welcome(inner);
  };
  const accept = (socket: Socket): void => {
    if (!knocks.take(socket.remoteAddress, instantMs(Date.now()))) {
      countRejection("rtmp-knocks");
      socket.destroy();
      return;
    }
    if (connections.size + newcomers.size >= connectionsMax) {
      countRejection("rtmp-connections");
      log.warn({ connectionsMax }, "publisher refused: too many connections are open");
      socket.destroy();
      return;
    }
    if (tls === undefined) welcome(socket);
    else void enter(socket, tls);
  };
  const server = createServer(accept);
  server.listen(options.port, options.host);
  await once(server, "listening").catch((cause: unknown) => {
    throw new StarlingError(
      "rtmp-port",
      `The RTMP port ${options.host}:${options.port} cannot be opened (${errorCode(cause)}): is another ingest running? Choose another port.`,
      { cause },
    );
  });
  // Such as one connection that could not be accepted because too many files are open.
  server.on("error", (error) => log.error({ err: error }, "the RTMP port failed"));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    rejections,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of newcomers) socket.destroy();
      for (const connection of [...connections]) {
        connection.close("ingest-closing", "The origin is shutting down.");
      }
      await closed;
    },
  };
}
