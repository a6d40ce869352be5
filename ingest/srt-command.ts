/** Milliseconds that packets wait for ones sent again: several round trips on the internet. */
const LATENCY_MS = 200;
const KEY_BYTES = 16;
const ANALYSE_US = 1_000_000;

/** Where one stream's broadcaster comes in. */
export interface SrtDoor {
  readonly stream: string;
  readonly port: number;
  /** 10 to 79 characters; encrypts the stream with AES-128. A secret. */
  readonly passphrase: string;
}

/**
 * The arguments of the ffmpeg that waits for one SRT caller and writes what it sends as FLV to stdout. It
 * refuses a wrong passphrase and waits on, and ends with its caller.
 */
export function srtArguments(host: string, { port, passphrase }: SrtDoor): string[] {
  const query = new URLSearchParams({
    mode: "listener",
    passphrase,
    pbkeylen: `${KEY_BYTES}`,
    latency: `${LATENCY_MS * 1000}`,
  });
  return [
    ...["-nostdin", "-hide_banner", "-loglevel", "level+warning", "-nostats"],
    ...["-analyzeduration", `${ANALYSE_US}`, "-probesize", "5000000"],
    ...["-f", "mpegts", "-i", `srt://${host}:${port}?${query}`],
    ...["-map", "0:v:0?", "-map", "0:a:0?", "-c", "copy"],
    ...["-f", "flv", "-flvflags", "no_duration_filesize", "-flush_packets", "1", "pipe:1"],
  ];
}

/** A line of that ffmpeg, which names its address, without the passphrase. */
export function withoutPassphrase(line: string): string {
  return line.replaceAll(/passphrase=[^&\s:]*/g, "passphrase=(hidden)");
}
