import type { HlsConfig } from "hls.js";

type XhrSetup = NonNullable<HlsConfig["xhrSetup"]>;

/** A content key of a publish session: `<origin>/live/<stream>/<session>.key`. */
const KEY_URL = /\/live\/[a-z0-9][a-z0-9-]{0,63}\/[\w-]+\.key$/;

interface Where {
  readonly apiUrl: string;
  readonly stream: string;
}

export interface KeyTokenSource {
  /** The stream that is loaded, at the origin whose keys are asked for with a token: no other gets one. */
  origin(): Where | undefined;
  /** Whether a viewer is in the mesh, or about to be, and tells of its tokens. */
  hasViewer(): boolean;
  /** A token for a page without one. */
  fetchToken(where: Where): Promise<string>;
}

/** The join token of a viewer, by which content keys are asked for. */
export class KeyTokens {
  readonly #source: KeyTokenSource;
  #token: string | undefined;
  /** Under way, for a page without a viewer. */
  #fetching: Promise<string> | undefined;
  #onChange: () => void = () => undefined;
  #change = this.#nextChange();

  constructor(source: KeyTokenSource) {
    this.#source = source;
  }

  /** Takes the token in force; undefined when the viewer leaves the mesh, where nobody renews it. */
  set(token: string | undefined): void {
    this.#token = token;
    this.#onChange();
    this.#change = this.#nextChange();
  }

  /** An hls.js setting that sends a token with requests for content keys; other requests are left to `other`. */
  xhrSetup(other: XhrSetup | undefined): XhrSetup {
    return async (xhr, url, ...rest) => {
      const where = this.#source.origin();
      if (where === undefined || !url.startsWith(`${where.apiUrl}/live/`) || !KEY_URL.test(url)) {
        await other?.(xhr, url, ...rest);
        return;
      }
      const token = await this.#current(where);
      xhr.open("GET", url, true);
      await other?.(xhr, url, ...rest);
      xhr.setRequestHeader("Authorization", `Bearer ${token}`);
    };
  }

  async #current(where: Where): Promise<string> {
    while (this.#token === undefined) {
      if (!this.#source.hasViewer()) {
        this.#fetching ??= this.#source.fetchToken(where).finally(() => {
          this.#fetching = undefined;
        });
        return this.#fetching;
      }
      await this.#change;
    }
    return this.#token;
  }

  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = resolve;
    });
  }
}
