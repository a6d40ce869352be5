import { createHash, createHmac } from "node:crypto";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";

const COOKIE = 0x21_12_a4_42;
const REALM = "starling.test";
const NONCE = "0123456789abcdef";
const LIFETIME_S = 600;
const HEADER_BYTES = 20;

const METHOD = { allocate: 3, refresh: 4, send: 6, data: 7, permit: 8, bind: 9 } as const;
const CLASS = { request: 0x00_00, indication: 0x00_10, success: 0x01_00, error: 0x01_10 } as const;
const ATTRIBUTE = {
  username: 0x00_06,
  integrity: 0x00_08,
  error: 0x00_09,
  channel: 0x00_0c,
  lifetime: 0x00_0d,
  peer: 0x00_12,
  data: 0x00_13,
  realm: 0x00_14,
  nonce: 0x00_15,
  relayed: 0x00_16,
  mapped: 0x00_20,
} as const;

type Attribute = readonly [type: number, value: Buffer];

interface StunMessage {
  readonly type: number;
  readonly transaction: Buffer;
  readonly attributes: ReadonlyMap<number, Buffer>;
  /** The bytes that the integrity of the message is of. */
  readonly signed: Buffer;
}

/** One client's place at the relay. */
interface Allocation {
  readonly client: RemoteInfo;
  readonly relay: Socket;
  /** Channel numbers by peer address, and the other way round. */
  readonly channels: Map<string, number>;
  readonly peers: Map<number, string>;
}

/**
 * As much of a TURN server (RFC 8656, UDP over IPv4) as a browser needs, on 127.0.0.1, for users of the TURN REST
 * API. It lets everybody send to everybody, and never forgets.
 */
export class TurnServer {
  readonly #secret: string;
  readonly #socket = createSocket("udp4");
  readonly #allocations = new Map<string, Allocation>();
  /** Packets that went through the relay, both ways. */
  relayed = 0;
  /** Requests of users whose credentials did not verify. */
  refused = 0;

  private constructor(secret: string) {
    this.#secret = secret;
    this.#socket.on("message", (bytes, client) => void this.#take(bytes, client));
  }

  static async start(secret: string): Promise<TurnServer> {
    const server = new TurnServer(secret);
    server.#socket.bind(0, "127.0.0.1");
    await once(server.#socket, "listening");
    return server;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  stop(): void {
    for (const { relay } of this.#allocations.values()) relay.close();
    this.#socket.close();
  }

  async #take(bytes: Buffer, client: RemoteInfo): Promise<void> {
    const allocation = this.#allocations.get(nameOf(client));
    if ((bytes[0] ?? 0) >> 6 === 1) {
      const peer = allocation?.peers.get(bytes.readUInt16BE(0));
      if (peer !== undefined)
        this.#toPeer(allocation, peer, bytes.subarray(4, 4 + bytes.readUInt16BE(2)));
      return;
    }
    const message = parse(bytes);
    if (message === undefined) return;
    if (message.type === (METHOD.send | CLASS.indication)) {
      const peer = message.attributes.get(ATTRIBUTE.peer);
      const data = message.attributes.get(ATTRIBUTE.data);
      if (peer && data) this.#toPeer(allocation, addressOf(peer), data);
    } else await this.#answer(message, client);
  }

  async #answer(message: StunMessage, client: RemoteInfo): Promise<void> {
    const { type, transaction, attributes } = message;
    const reply = (replyClass: number, fields: readonly Attribute[], key?: Buffer): void => {
      this.#socket.send(
        render(type | replyClass, transaction, fields, key),
        client.port,
        client.address,
      );
    };
    if (type === 1) {
      reply(CLASS.success, [[ATTRIBUTE.mapped, xored(client)]]);
      return;
    }
    const username = attributes.get(ATTRIBUTE.username)?.toString();
    const key = username === undefined ? undefined : this.#verified(message, username);
    if (key === undefined) {
      if (username !== undefined) this.refused++;
      const unauthorised = Buffer.from([0, 0, 4, 1]);
      reply(CLASS.error, [
        [ATTRIBUTE.error, unauthorised],
        [ATTRIBUTE.realm, Buffer.from(REALM)],
        [ATTRIBUTE.nonce, Buffer.from(NONCE)],
      ]);
      return;
    }
    reply(CLASS.success, await this.#perform(message, client), key);
  }

  /** Does what an authenticated request asks for, and gives what the answer says. */
  async #perform({ type, attributes }: StunMessage, client: RemoteInfo): Promise<Attribute[]> {
    const lifetime = Buffer.alloc(4);
    lifetime.writeUInt32BE(LIFETIME_S);
    if (type === METHOD.refresh) return [[ATTRIBUTE.lifetime, lifetime]];
    if (type === METHOD.allocate) {
      const { relay } = this.#allocations.get(nameOf(client)) ?? (await this.#allocate(client));
      return [
        [ATTRIBUTE.relayed, xored(relay.address())],
        [ATTRIBUTE.lifetime, lifetime],
        [ATTRIBUTE.mapped, xored(client)],
      ];
    }
    const channel = attributes.get(ATTRIBUTE.channel)?.readUInt16BE(0);
    const peer = attributes.get(ATTRIBUTE.peer);
    if (type === METHOD.bind && channel !== undefined && peer !== undefined) {
      const allocation = this.#allocations.get(nameOf(client));
      allocation?.channels.set(addressOf(peer), channel);
      allocation?.peers.set(channel, addressOf(peer));
    }
    return [];
  }

  async #allocate(client: RemoteInfo): Promise<Allocation> {
    const relay = createSocket("udp4");
    relay.bind(0, "127.0.0.1");
    await once(relay, "listening");
    const allocation = { client, relay, channels: new Map(), peers: new Map() };
    relay.on("message", (bytes, peer) => this.#toClient(allocation, peer, bytes));
    this.#allocations.set(nameOf(client), allocation);
    return allocation;
  }

  #toPeer(allocation: Allocation | undefined, peer: string, data: Buffer): void {
    const [address = "", port] = peer.split(":");
    this.relayed++;
    allocation?.relay.send(data, Number(port), address);
  }

  #toClient({ channels, client }: Allocation, peer: RemoteInfo, bytes: Buffer): void {
    const channel = channels.get(nameOf(peer));
    this.relayed++;
    let packet: Buffer;
    if (channel === undefined) {
      const transaction = Buffer.alloc(12, this.relayed & 0xff);
      packet = render(METHOD.data | CLASS.indication, transaction, [
        [ATTRIBUTE.peer, xored(peer)],
        [ATTRIBUTE.data, bytes],
      ]);
    } else {
      const header = Buffer.alloc(4);
      header.writeUInt16BE(channel);
      header.writeUInt16BE(bytes.length, 2);
      packet = Buffer.concat([header, bytes]);
    }
    this.#socket.send(packet, client.port, client.address);
  }

  /** The key of a user whose credentials are in force and whose message is whole; else undefined. */
  #verified({ attributes, signed }: StunMessage, username: string): Buffer | undefined {
    if (Number(username.split(":")[0]) * 1000 < Date.now()) return undefined;
    const password = createHmac("sha1", this.#secret).update(username).digest("base64");
    const key = createHash("md5").update(`${username}:${REALM}:${password}`).digest();
    const expected = createHmac("sha1", key).update(signed).digest();
    return attributes.get(ATTRIBUTE.integrity)?.equals(expected) ? key : undefined;
  }
}

function nameOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return `${address}:${port}`;
}

/** XOR-MAPPED-ADDRESS and its like (RFC 8489 section 14.2), IPv4. */
function xored({ address, port }: { readonly address: string; readonly port: number }): Buffer {
  const value = Buffer.alloc(8);
  value[1] = 1;
  value.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
  const bytes = Buffer.from(address.split(".").map(Number));
  value.writeUInt32BE((bytes.readUInt32BE() ^ COOKIE) >>> 0, 4);
  return value;
}

function addressOf(value: Buffer): string {
  const port = value.readUInt16BE(2) ^ (COOKIE >>> 16);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((value.readUInt32BE(4) ^ COOKIE) >>> 0);
  return `${[...bytes].join(".")}:${port}`;
}

function parse(bytes: Buffer): StunMessage | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(4) !== COOKIE) return undefined;
  const attributes = new Map<number, Buffer>();
  let signed = bytes;
  for (let at = HEADER_BYTES; at + 4 <= bytes.length; ) {
    const type = bytes.readUInt16BE(at);
    const length = bytes.readUInt16BE(at + 2);
    if (type === ATTRIBUTE.integrity) {
      signed = Buffer.from(bytes.subarray(0, at));
      signed.writeUInt16BE(at - HEADER_BYTES + 24, 2); // As if the message ended with it.
    }
    attributes.set(type, bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length + (-length & 3);
  }
  return { type: bytes.readUInt16BE(0), transaction: bytes.subarray(8, 20), attributes, signed };
}

function render(
  type: number,
  transaction: Buffer,
  fields: readonly Attribute[],
  key?: Buffer,
): Buffer {
  const parts = fields.map(([name, value]) => {
    const part = Buffer.alloc(4 + value.length + (-value.length & 3));
    part.writeUInt16BE(name);
    part.writeUInt16BE(value.length, 2);
    value.copy(part, 4);
    return part;
  });
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(8);
  header.writeUInt16BE(type);
  header.writeUInt16BE(body.length + (key === undefined ? 0 : 24), 2);
  header.writeUInt32BE(COOKIE, 4);
  const message = Buffer.concat([header, transaction, body]);
  if (key === undefined) return message;
  const integrity = Buffer.alloc(4);
  integrity.writeUInt16BE(ATTRIBUTE.integrity);
  integrity.writeUInt16BE(20, 2);
  return Buffer.concat([message, integrity, createHmac("sha1", key).update(message).digest()]);
}
