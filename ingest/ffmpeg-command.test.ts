import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { packageArguments, publishTestArguments } from "./ffmpeg-command.ts";

const SETTINGS = { segmentTargetS: 1 };
const line = (text: string): string[] => text.trim().split(/\s+/);

const INPUT = `
  -nostdin -hide_banner -loglevel level+warning -nostats -progress pipe:1 -stats_period 1
  -analyzeduration 1000000 -probesize 1000000 -f flv -i pipe:0 -y`;
const OUTPUT = `
  -max_muxing_queue_size 1024 -f hls -hls_time 1 -hls_list_size 60
  -hls_segment_type fmp4 -hls_fmp4_init_filename init.mp4 -hls_segment_filename %09d.m4s
  -hls_flags independent_segments+program_date_time+temp_file+omit_endlist
  -hls_start_number_source generic -start_number 0 media.m3u8`;

describe("the arguments of the packaging ffmpeg", () => {
  test("copy H.264 and AAC", () => {
    const args = packageArguments({ plan: { video: "copy", audio: "copy" }, ...SETTINGS });
    expect(args).toEqual(
      line(
        `${INPUT} -map 0:v:0 -map 0:a:0? -dn -sn -c:v copy -c:a copy -bsf:a aac_adtstoasc ${OUTPUT}`,
      ),
    );
  });

  test("transcode both tracks, with a key frame at every segment", () => {
    const args = packageArguments({
      plan: { video: "transcode", audio: "transcode" },
      ...SETTINGS,
    });
    expect(args).toEqual(
      line(`${INPUT} -map 0:v:0 -map 0:a:0? -dn -sn
        -c:v libx264 -preset veryfast -tune zerolatency -profile:v high -pix_fmt yuv420p
        -sc_threshold 0 -flags:v +cgop -force_key_frames expr:gte(t,n_forced*1)
        -b:v 2500k -maxrate 2500k -bufsize 2500k
        -c:a aac -b:a 128k -ar 48000 -ac 2 -af aresample=async=1 ${OUTPUT}`),
    );
  });

  test("let ffmpeg delete nothing: how much is kept is the retention's business", async () => {
    const cwd = await mkdtemp(join(tmpdir(), "ffmpeg-command-"));
    try {
      const args = packageArguments({ plan: { video: "copy", audio: "none" }, ...SETTINGS });
      const card = "-f lavfi -i color=size=64x36:rate=2 -t 150 -c:v libx264 -g 2 -f flv -";
      const publish = `ffmpeg -nostdin -loglevel error ${card} | ffmpeg ${args.join(" ")}`;
      await promisify(execFile)("sh", ["-c", publish], { cwd });
      const names = await readdir(cwd);
      expect(names.filter((name) => name.endsWith(".m4s"))).toHaveLength(150);
    } finally {
      await rm(cwd, { recursive: true, force: true });
    }
  });

  test("leave out a track that is not there", () => {
    const soundOnly = packageArguments({ plan: { video: "none", audio: "copy" }, ...SETTINGS });
    expect(soundOnly).toEqual(
      line(`${INPUT} -map 0:a:0 -dn -sn -vn -c:a copy -bsf:a aac_adtstoasc ${OUTPUT}`),
    );
    const silent = packageArguments({ plan: { video: "copy", audio: "none" }, ...SETTINGS });
    expect(silent).toEqual(line(`${INPUT} -map 0:v:0 -dn -sn -c:v copy -an ${OUTPUT}`));
  });
});

describe("the arguments of the test publisher", () => {
  test("publish a moving picture and a tone in real time", () => {
    const url = "rtmp://127.0.0.1:1935/live/studio_key?filler=1";
    const picture = { widthPx: 1280, heightPx: 720, fps: 30, videoKbps: 2000, gopS: 2 };
    expect(publishTestArguments({ url, durationS: 60, ...picture })).toEqual(
      line(`-nostdin -hide_banner -loglevel level+warning -nostats
        -re -f lavfi -i testsrc2=size=1280x720:rate=30
        -re -f lavfi -i sine=frequency=440:sample_rate=48000
        -map 0:v:0 -map 1:a:0 -c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p
        -g 60 -keyint_min 60 -sc_threshold 0 -b:v 2000k -maxrate 2000k -bufsize 2000k
        -c:a aac -b:a 128k -ar 48000 -ac 2 -t 60 -f flv ${url}`),
    );
    expect(publishTestArguments({ url, ...picture })).not.toContain("-t");
  });
});
