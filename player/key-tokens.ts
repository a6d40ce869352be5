import type { HlsConfig } from "hls.js";

type XhrSetup = NonNullable<HlsConfig["xhrSetup"]>;

/** A content key of a publish session: `<origin>/live/<stream>/<session>.key`. */
const KEY_URL = /\/live\/[a-z0-9][a-z0-9-]{0,63}\/[\w-]+\.key$/;

/** The join token of a viewer, by which content keys are asked for. */
export class KeyTokens {
  #token: string | undefined;
  #tell: () => void = () => undefined;
  readonly #first = new Promise<void>((resolve) => {
    this.#tell = resolve;
  });

  /** Takes the token in force. */
  set(token: string): void {
    this.#token = token;
    this.#tell();
  }

  /**
   * An hls.js setting that sends the token with requests for content keys, once there is one, and to the
   * origin at `originUrl()` alone; other requests are left to `other`.
   */
  xhrSetup(originUrl: () => string | undefined, other: XhrSetup | undefined): XhrSetup {
    return async (xhr, url, ...rest) => {
      const origin = originUrl();
      if (origin === undefined || !url.startsWith(`${origin}/live/`) || !KEY_URL.test(url)) {
        await other?.(xhr, url, ...rest);
        return;
      }
      await this.#first;
      xhr.open("GET", url, true);
      await other?.(xhr, url, ...rest);
      xhr.setRequestHeader("Authorization", `Bearer ${this.#token}`);
    };
  }
}
