import { isAbsolute, resolve } from "node:path";
import {
  type IceServer,
  isStreamId,
  parseRenditionPolicy,
  type RenditionPolicy,
} from "../core/index.ts";

/**
 * How one option's text becomes a value. Every source (command line, environment, YAML) is text
 * first, so all three accept and refuse the same things.
 */
export interface Kind<T> {
  /** What `--help` shows in angle brackets; empty for a flag. */
  readonly placeholder: string;
  /** Ends the sentence "expected ...". */
  readonly expected: string;
  /** The words to choose from, for a choice. */
  readonly words?: readonly string[];
  /** True when a comma-separated text, a repeated flag or a YAML list gives several values. */
  readonly list: boolean;
  /** The value, or undefined when the text is refused. */
  parse(text: string): T | undefined;
}

const DECIMAL = /^-?\d+(\.\d+)?$/;
const ICE_SERVER =
  /^(stuns?|turns?):(?:(?:([^:@]+):)?([^@]+)@)?([\w.-]+(?::\d{1,5})?(?:\?[\w=&]+)?)$/;
const TRUE_WORDS = ["true", "yes", "on", "1"];
const FALSE_WORDS = ["false", "no", "off", "0"];

function scalar<T>(
  placeholder: string,
  expected: string,
  parse: (text: string) => T | undefined,
): Kind<T> {
  return { placeholder, expected, list: false, parse };
}

/** A number between two bounds, inclusive. */
export function decimal(min: number, max: number, placeholder = "number"): Kind<number> {
  return scalar(placeholder, `a number from ${min} to ${max}`, (text) => {
    const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : undefined;
  });
}

/** A whole number between two bounds, inclusive. */
export function integer(min: number, max: number, placeholder = "integer"): Kind<number> {
  return scalar(placeholder, `a whole number from ${min} to ${max}`, (text) => {
    const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
    return Number.isInteger(value) && value >= min && value <= max ? value : undefined;
  });
}

/** A TCP or UDP port. */
export const port: Kind<number> = {
  ...integer(0, 65_535, "port"),
  expected: "a port number from 0 to 65535 (0 = any free port)",
};

/** Any text that is not blank, e.g. a host name. */
export const text: Kind<string> = scalar("text", "a text that is not blank", (value) =>
  value.trim() === "" ? undefined : value,
);

/** An interface address or a host name. */
export const host: Kind<string> = scalar("address", "a host name or an IP address", (value) =>
  /^[\w.:%-]+$/.test(value) ? value : undefined,
);

/** A stream's id, as in its watch page's URL. */
export const streamId: Kind<string> = scalar(
  "id",
  "1 to 64 of a-z, 0-9 and -, beginning with a letter or digit",
  (value) => (isStreamId(value) ? value : undefined),
);

/** What a stream is made into. */
export const renditions: Kind<RenditionPolicy> = scalar(
  "renditions",
  "passthrough, ladder, or heights such as 1080p,720p@2500,360p,audio (@ kbit/s)",
  parseRenditionPolicy,
);

/** A file or folder; relative ones begin at the working directory. The value is absolute. */
export const path: Kind<string> = scalar("path", "a file or folder name", (value) => {
  if (value.trim() === "" || value.includes("\0")) return undefined;
  return isAbsolute(value) ? value : resolve(value);
});

/** A path, or "-" for the standard output. */
export const pathOrStdout: Kind<string> = {
  ...path,
  placeholder: "path|-",
  expected: "a file name, or - for the standard output",
  parse: (value) => (value === "-" ? value : path.parse(value)),
};

/** A URL with one of the given schemes (without the colon). No trailing slash is kept. */
export function url(...schemes: readonly string[]): Kind<string> {
  const expected = `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`;
  return scalar("url", expected, (value) => {
    if (!(URL.canParse(value) && schemes.includes(new URL(value).protocol.slice(0, -1)))) {
      return undefined;
    }
    return value.replace(/\/+$/, "");
  });
}

/** Where a Redis listens: redis://, rediss:// or unix:/path/to/socket. */
export const redisUrl: Kind<string> = scalar(
  "url",
  "redis://host:port, rediss://host:port or unix:/path/to/redis.sock",
  (value) => {
    if (/^unix:\/.+/.test(value)) return value;
    return url("redis", "rediss").parse(value) === undefined ? undefined : value;
  },
);

/** One of a few words. */
export function choice<const W extends string>(
  placeholder: string,
  ...words: readonly W[]
): Kind<W> {
  const parse = (value: string) => words.find((word) => word === value);
  return { ...scalar(placeholder, `one of ${words.join(", ")}`, parse), words };
}

/** On or off: --name and --no-name on the command line. */
export const flag: Kind<boolean> = scalar("", "true or false", (value) => {
  const word = value.toLowerCase();
  if (TRUE_WORDS.includes(word)) return true;
  return FALSE_WORDS.includes(word) ? false : undefined;
});

/** Several values of one kind. */
export function listOf<T>(kind: Kind<T>, countMax: number): Kind<readonly T[]> {
  return {
    placeholder: `${kind.placeholder},...`,
    expected: `up to ${countMax} values separated by commas, each ${kind.expected}`,
    list: true,
    parse: (value) => {
      const values = value.split(",").map((part) => kind.parse(part.trim()));
      if (values.length > countMax || values.includes(undefined)) return undefined;
      return values.filter((item) => item !== undefined);
    },
  };
}

/**
 * stun:host:port, turn:user:password@host:port, or turn:secret@host:port for a relay that shares a secret with
 * the origin; a % sequence stands for any other character.
 */
export const iceServer: Kind<IceServer> = scalar(
  "url",
  "stun:host:port, turn:user:password@host:port or turn:secret@host:port",
  (value) => {
    const [, scheme, user, password, address] = ICE_SERVER.exec(value) ?? [];
    if (scheme === undefined) return undefined;
    const urls = `${scheme}:${address}`;
    if (scheme.startsWith("stun")) return password === undefined ? { urls } : undefined;
    const username = percentDecoded(user ?? "");
    const credential = percentDecoded(password);
    if (username === undefined || credential === undefined) return undefined;
    return { urls, username, credential };
  },
);

function percentDecoded(value: string | undefined): string | undefined {
  try {
    return value === undefined ? undefined : decodeURIComponent(value);
  } catch {
    return undefined;
  }
}

const SRT_DOOR = /^([^:]+):(\d{1,5}):(.{10,79})$/;

/** A stream, its UDP port and its passphrase. */
export const srtDoor: Kind<{ stream: string; port: number; passphrase: string }> = scalar(
  "stream:port:passphrase",
  "stream:port:passphrase, the passphrase of 10 to 79 characters",
  (value) => {
    const [, stream = "", portText = "", passphrase = ""] = SRT_DOOR.exec(value) ?? [];
    const portNumber = Number(portText);
    if (!isStreamId(stream) || portNumber < 1 || portNumber > 65_535) return undefined;
    return { stream, port: portNumber, passphrase };
  },
);
