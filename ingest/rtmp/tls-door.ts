import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { Logger } from "pino";
import { StarlingError } from "../../core/index.ts";

/** RFC 8446 section 5.1: the record type with which each TLS connection begins; RTMP begins with 3. */
const TLS_HANDSHAKE = 0x16;

/** What the door shows to encoders that come by rtmps://. Both are PEM files. */
export interface TlsFiles {
  /** The certificate, followed by those that lead to one that encoders trust. */
  readonly certFile: string;
  readonly keyFile: string;
}

/** Takes RTMP and RTMPS on one port: the first byte tells them apart. */
export class TlsDoor {
  readonly #files: TlsFiles;
  readonly #log: Logger;
  #context: SecureContext;

  private constructor(files: TlsFiles, log: Logger, context: SecureContext) {
    this.#files = files;
    this.#log = log;
    this.#context = context;
  }

  /** Throws StarlingError "rtmps-certificate" when the files cannot be read or do not belong together. */
  static async open(files: TlsFiles, log: Logger): Promise<TlsDoor> {
    return new TlsDoor(files, log, await contextOf(files));
  }

  /**
   * Gives the connection itself when it begins as RTMP, and what it carries when it begins as TLS.
   * Undefined: nothing came in time, or it ended.
   */
  async enter(socket: Socket, timeoutMs: number): Promise<Socket | undefined> {
    const first = await firstByte(socket, timeoutMs);
    if (first !== TLS_HANDSHAKE) return first === undefined ? undefined : socket;
    await this.#renew();
    if (socket.destroyed) return undefined;
    const inner = new TLSSocket(socket, { isServer: true, secureContext: this.#context });
    const { remoteAddress } = socket;
    const complain = (): void =>
      this.#log.info(
        { remoteAddress },
        "no RTMPS came about: does the encoder trust the certificate?",
      );
    inner.once("close", complain).once("secure", () => inner.off("close", complain));
    return inner;
  }

  /** Publishers are few, and certificates are renewed without a word: the files are read for each. */
  async #renew(): Promise<void> {
    try {
      this.#context = await contextOf(this.#files);
    } catch (error) {
      this.#log.error(
        { err: error },
        "the RTMPS certificate can no longer be used; keeping the old one",
      );
    }
  }
}

async function contextOf({ certFile, keyFile }: TlsFiles): Promise<SecureContext> {
  try {
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)]);
    return createSecureContext({ cert, key });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new StarlingError(
      "rtmps-certificate",
      `RTMPS cannot use the certificate ${certFile} with the key ${keyFile} (${reason}). ` +
        "Both are PEM files, the key without a passphrase, and belong to each other.",
      { cause },
    );
  }
}

async function firstByte(socket: Socket, timeoutMs: number): Promise<number | undefined> {
  try {
    await once(socket, "readable", { signal: AbortSignal.timeout(timeoutMs) });
  } catch {
    return undefined;
  }
  const head: Buffer | null = socket.read(1);
  if (head === null) return undefined;
  socket.unshift(head);
  return head[0];
}
