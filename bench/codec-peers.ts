import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { type Codec, type CodecCase, lostOf, symbolsOf, worstLosses } from "./codec-case.ts";

/**
 * What npm has: measured, but never a dependency of Starling. They are installed into a folder for
 * temporary files, without their install scripts.
 */
const PACKAGES = [
  "@subspace/reed-solomon-erasure.wasm@0.2.5",
  "wasm-reed-solomon-erasure@0.2.2",
  "raptorq@1.7.24",
  "@typeberry/native@0.5.1-4e90642",
];

export interface PeerCodecs {
  readonly codecs: readonly Codec[];
  close(): Promise<void>;
}

/** Installs the peers and loads those that load; says on stderr which do not, and why. */
export async function installPeers(): Promise<PeerCodecs> {
  const folder = await mkdtemp(join(tmpdir(), "starling-codecs-"));
  const npm = process.platform === "win32" ? "npm.cmd" : "npm";
  const options = ["--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];
  const codecs: Codec[] = [];
  for (const [index, load] of [loadSubspace, loadRust, loadRaptor, loadTypeberry].entries()) {
    const name = PACKAGES[index] ?? "";
    try {
      await promisify(execFile)(npm, ["install", "--prefix", folder, ...options, name]);
      codecs.push(await load(join(folder, "node_modules")));
    } catch (error) {
      console.error(`… ${name} is left out: ${String(error).split("\n")[0]}`);
    }
  }
  return { codecs, close: () => rm(folder, { recursive: true }) };
}

interface SubspaceModule {
  readonly ReedSolomonErasure: {
    fromBytes(bytes: Uint8Array): {
      encode(shards: Uint8Array, k: number, repairs: number): number;
      reconstruct(shards: Uint8Array, k: number, repairs: number, available: boolean[]): number;
    };
  };
}

async function loadSubspace(modules: string): Promise<Codec> {
  const folder = join(modules, "@subspace/reed-solomon-erasure.wasm");
  const { ReedSolomonErasure } = createRequire(import.meta.url)(folder) as SubspaceModule;
  const wasm = await readFile(join(folder, "dist/reed_solomon_erasure_bg.wasm"));
  const tasksFor = (codecCase: CodecCase) => {
    const { k, repairs, symbolBytes, source } = codecCase;
    const shards = new Uint8Array((k + repairs) * symbolBytes);
    shards.set(source);
    const encoder = ReedSolomonErasure.fromBytes(wasm);
    const encode = () => void encoder.encode(shards, k, repairs);
    encode();
    const decode = (losses: number) => () => {
      // An instance that is used twice refuses a share of the patterns.
      const decoder = ReedSolomonErasure.fromBytes(wasm);
      const available = new Array<boolean>(k + repairs).fill(true);
      for (const esi of lostOf(codecCase, losses)) available[esi] = false;
      for (let row = losses; row < repairs; row++) available[k + row] = false;
      decoder.reconstruct(shards, k, repairs, available);
      return shards.subarray(0, source.length);
    };
    return { encode, decodeWorst: decode(worstLosses(codecCase)), decodeOne: decode(1) };
  };
  return { name: "@subspace/reed-solomon-erasure.wasm", isPeer: true, tasksFor };
}

interface RustModule {
  encode(symbols: Uint8Array[], repairs: number): Uint8Array[];
  reconstruct(symbols: Uint8Array[], repairs: number, dead: Uint32Array): Uint8Array[];
}

async function loadRust(modules: string): Promise<Codec> {
  const load = createRequire(import.meta.url);
  const codec = load(join(modules, "wasm-reed-solomon-erasure")) as RustModule;
  const tasksFor = (codecCase: CodecCase) => {
    const { k, repairs, symbolBytes, source } = codecCase;
    const sources = symbolsOf(source, symbolBytes);
    const all = codec.encode(sources, repairs);
    const decode = (losses: number) => () => {
      const lost = lostOf(codecCase, losses);
      const unused = Array.from({ length: repairs - losses }, (_, row) => k + losses + row);
      const dead = Uint32Array.from([...lost, ...unused]);
      return Buffer.concat(codec.reconstruct(all, repairs, dead).slice(0, k));
    };
    return {
      encode: () => void codec.encode(sources, repairs),
      decodeWorst: decode(worstLosses(codecCase)),
      decodeOne: decode(1),
    };
  };
  return { name: "wasm-reed-solomon-erasure", isPeer: true, tasksFor };
}

interface RaptorModule {
  readonly initSync: (wasm: Uint8Array) => unknown;
  readonly Encoder: {
    with_defaults(
      data: Uint8Array,
      symbolBytes: number,
    ): { encode(repairs: number): Uint8Array[]; free(): void };
  };
  readonly Decoder: {
    with_defaults(
      length: bigint,
      symbolBytes: number,
    ): { decode(packet: Uint8Array): Uint8Array | undefined; free(): void };
  };
}

async function loadRaptor(modules: string): Promise<Codec> {
  const folder = join(modules, "raptorq");
  // The package holds an ES module under a name that Node.js takes for CommonJS.
  await copyFile(join(folder, "raptorq.js"), join(folder, "raptorq.mjs"));
  const codec = (await import(pathToFileURL(join(folder, "raptorq.mjs")).href)) as RaptorModule;
  codec.initSync(await readFile(join(folder, "raptorq_bg.wasm")));
  const tasksFor = (codecCase: CodecCase) => {
    const { repairs, symbolBytes, source } = codecCase;
    const encodeAll = () => {
      const encoder = codec.Encoder.with_defaults(source, symbolBytes);
      const packets = encoder.encode(repairs);
      encoder.free();
      return packets;
    };
    const packets = encodeAll();
    const decode = (losses: number) => {
      const lost = new Set(lostOf(codecCase, losses));
      const received = packets.filter((_, index) => !lost.has(index));
      return () => {
        const decoder = codec.Decoder.with_defaults(BigInt(source.length), symbolBytes);
        let decoded: Uint8Array | undefined;
        for (const packet of received) decoded ??= decoder.decode(packet);
        decoder.free();
        return decoded ?? new Uint8Array();
      };
    };
    return {
      encode: () => void encodeAll(),
      decodeWorst: decode(worstLosses(codecCase)),
      decodeOne: decode(1),
    };
  };
  return { name: "raptorq", isPeer: true, tasksFor };
}

interface ShardsCollection {
  take_data(): Uint8Array;
  take_indices(): Uint16Array | undefined;
}
interface TypeberryModule {
  readonly init: { reedSolomon(): Promise<unknown> };
  readonly reedSolomon: {
    readonly ShardsCollection: new (
      symbolBytes: number,
      data: Uint8Array,
      indices?: Uint16Array,
    ) => ShardsCollection;
    encode(repairs: number, shards: ShardsCollection): ShardsCollection;
    decode(k: number, repairs: number, shards: ShardsCollection): ShardsCollection;
  };
}

async function loadTypeberry(modules: string): Promise<Codec> {
  const file = join(modules, "@typeberry/native/index.js");
  const { init, reedSolomon } = (await import(pathToFileURL(file).href)) as TypeberryModule;
  await init.reedSolomon();
  const { ShardsCollection } = reedSolomon;
  const tasksFor = (codecCase: CodecCase) => {
    const { k, repairs, symbolBytes, source } = codecCase;
    const encode = () =>
      reedSolomon.encode(repairs, new ShardsCollection(symbolBytes, source)).take_data();
    const symbols = [...symbolsOf(source, symbolBytes), ...symbolsOf(encode(), symbolBytes)];
    const decode = (losses: number) => {
      const lost = new Set(lostOf(codecCase, losses));
      const esis = symbols.map((_, esi) => esi).filter((esi) => !lost.has(esi) && esi < k + losses);
      const data = Buffer.concat(esis.map((esi) => symbols[esi] ?? new Uint8Array()));
      const indices = Uint16Array.from(esis);
      const result = new Uint8Array(source);
      return () => {
        const shards = new ShardsCollection(symbolBytes, data, indices);
        const decoded = reedSolomon.decode(k, repairs, shards);
        const esisOfDecoded = decoded.take_indices() ?? new Uint16Array();
        for (const [index, symbol] of symbolsOf(decoded.take_data(), symbolBytes).entries()) {
          result.set(symbol, (esisOfDecoded[index] ?? index) * symbolBytes);
        }
        return result;
      };
    };
    return {
      encode: () => void encode(),
      decodeWorst: decode(worstLosses(codecCase)),
      decodeOne: decode(1),
    };
  };
  return { name: "@typeberry/native", isPeer: true, tasksFor };
}
