import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { publishTestArguments } from "../ffmpeg-command.ts";
import type { Ingest } from "../ingest.ts";
import { TestOrigin } from "../test-origin.ts";
import type { TlsFiles } from "./tls-door.ts";

let folder: string;
let origin: TestOrigin;
let ingest: Ingest;
let files: TlsFiles;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rtmps-"));
  files = await certificate("first");
  origin = await TestOrigin.start();
  ingest = await origin.ingest({ tls: files, handshakeTimeoutMs: 1000 });
});
afterAll(async () => {
  await origin.stop();
  await rm(folder, { recursive: true });
});

/** A certificate that nobody trusts, for the host of this name. */
async function certificate(host: string): Promise<TlsFiles> {
  const [certFile, keyFile] = [join(folder, `${host}.crt`), join(folder, `${host}.key`)];
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-days", "2", "-subj", `/CN=${host}`, "-keyout", keyFile, "-out", certFile],
  ]);
  return { certFile, keyFile };
}

const picture = { widthPx: 160, heightPx: 90, fps: 25, videoKbps: 200, gopS: 1 };

describe("the RTMP port with a certificate", () => {
  test("takes a publisher by rtmps:// and one by rtmp://", async () => {
    const plain = await origin.addressOf("plain");
    const secure = (await origin.addressOf("secure")).replace("rtmp:", "rtmps:");
    origin.publish(plain);
    const args = publishTestArguments({ url: secure, ...picture });
    const publisher = origin.run([...args.slice(0, -1), "-tls_verify", "0", secure]);
    await origin.segments("plain", 2);
    await origin.segments("secure", 2);
    expect(publisher.child.exitCode).toBeNull();
    await origin.endPublishers();
    await origin.logged("publish session over");
  }, 30_000);

  test("shows a certificate that took the place of the first, and keeps it when the next is none", async () => {
    const shown = async () => {
      const client = connectTls({ port: ingest.rtmpPort, rejectUnauthorized: false });
      await once(client, "secureConnect");
      const { CN } = client.getPeerCertificate().subject;
      client.destroy();
      return CN;
    };
    expect(await shown()).toBe("first");
    const second = await certificate("second");
    await copyFile(second.certFile, files.certFile);
    await copyFile(second.keyFile, files.keyFile);
    expect(await shown()).toBe("second");
    await writeFile(files.certFile, "not a certificate");
    expect(await shown()).toBe("second");
    await origin.logged("can no longer be used");
  });

  test("says so when the encoder does not trust the certificate", async () => {
    const url = (await origin.addressOf("plain")).replace("rtmp:", "rtmps:");
    const args = publishTestArguments({ url, ...picture });
    const publisher = origin.run([...args.slice(0, -1), "-tls_verify", "1", url]);
    await publisher.exited;
    await origin.logged("does the encoder trust the certificate?");
  });

  test("lets go who says nothing, or nothing that is TLS after all", async () => {
    const silent = connect(ingest.rtmpPort, "127.0.0.1");
    const noise = connect(ingest.rtmpPort, "127.0.0.1");
    noise.write("\x16\x03not TLS at all, and never anything else");
    for (const client of [silent, noise]) {
      client.on("error", () => {}).resume();
      await once(client, "close");
    }
  });
});

test("A certificate that does not belong to its key, or cannot be read, is refused with what to do", async () => {
  const other = await certificate("other");
  for (const tls of [
    { ...other, keyFile: (await certificate("third")).keyFile },
    { ...other, certFile: join(folder, "missing.crt") },
  ]) {
    await expect(origin.ingest({ tls })).rejects.toMatchObject({
      code: "rtmps-certificate",
      message: expect.stringContaining("PEM"),
    });
  }
});
