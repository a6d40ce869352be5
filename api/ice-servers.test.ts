import { describe, expect, test } from "@jest/globals";
import { checkIceServers, iceServersFor } from "./ice-servers.ts";

const relay = { username: "u", credential: "p" };

describe("the ICE servers", () => {
  test("are good as the peers read them", () => {
    const good = [
      { urls: "stun:stun.example" },
      { urls: "STUN:[2001:db8::1]:3478" },
      { urls: "turn:192.0.2.1:3478?transport=tcp", ...relay },
      { urls: "turns:turn.example", ...relay },
    ];
    expect(() => checkIceServers(good)).not.toThrow();
  });

  test.each([
    ["an address of another kind", { urls: "http://stun.example" }, "expected an address like"],
    ["a scheme that peers do not know", { urls: "stuns:a.example" }, "expected an address like"],
    ["a port that is none", { urls: "stun:a.example:99999" }, "expected an address like"],
    ["a relay without credential", { urls: "turn:a.example", username: "u" }, "or a secret"],
    ["a text too long for peers", { urls: `stun:${"a".repeat(512)}` }, "longer than 512"],
  ])("are refused for %s", (_what, server, words) => {
    const check = () => checkIceServers([{ urls: "stun:a.example" }, server]);
    expect(check).toThrow(expect.objectContaining({ code: "ice-server-invalid" }));
    expect(check).toThrow(`ICE server 2: ${words === "expected an address like" ? words : ""}`);
    expect(check).toThrow(words);
  });

  test("are at most eight, and a refusal repeats no password", () => {
    const many = new Array(9).fill({ urls: "stun:a.example" });
    expect(() => checkIceServers(many)).toThrow("at most 8");
    const check = () => checkIceServers([{ urls: "turn:user:secret@a.example" }]);
    expect(check).toThrow("ICE server 1");
    expect(check).not.toThrow("secret");
  });

  test("give each peer credentials of its own where a relay shares a secret", () => {
    const stun = { urls: "stun:stun.example" };
    const fixed = { urls: "turn:a.example", ...relay };
    const shared = { urls: "turn:b.example", username: "", credential: "north" };
    expect(iceServersFor([stun, fixed, shared], "alice", 1_700_000_000_500)).toEqual([
      stun,
      fixed,
      {
        urls: "turn:b.example",
        username: "1700043200:alice",
        // printf %s 1700043200:alice | openssl dgst -sha1 -hmac north -binary | base64
        credential: "01Pv2e5apc0HX4gVDY1wJke35Uc=",
      },
    ]);
  });
});
