/** After this many segments in a row that HTTP brought while they came by the mesh too, a viewer with a slow line leaves the mesh. */
const LOST_MAX = 4;
/** A line on which HTTP takes this much of a segment's duration has no room for two ways. */
const SLOW_SHARE = 0.7;
const REST_MS = 60_000;
const REST_MS_MAX = 600_000;
/** A mesh that brings this many segments in a row is as good as a new one. */
const WON_MIN = 30;

/**
 * Whether the mesh is worth its bytes. On a line that loses packets, what neighbours push may come too late and still
 * take the room that HTTP needs: then the viewer is better off alone for a while. A mesh that fails while the
 * line has room costs nothing but patience, and is left as it is.
 */
export class MeshTrial {
  #lost = 0;
  #won = 0;
  #restMs = REST_MS;

  /** Whether a line on which HTTP takes this much of a segment's duration has room for the mesh at all. */
  static hasRoom(loadShare: number): boolean {
    return loadShare <= SLOW_SHARE;
  }

  /** The mesh brought a segment in time. */
  won(): void {
    this.#lost = 0;
    this.#won++;
    if (this.#won >= WON_MIN) this.#restMs = REST_MS;
  }

  /**
   * HTTP was first with a segment, and took this much of its duration. Gives how long to stay out of
   * the mesh, milliseconds; undefined: stay in.
   */
  lost(loadShare: number): number | undefined {
    this.#won = 0;
    this.#lost = MeshTrial.hasRoom(loadShare) ? 0 : this.#lost + 1;
    if (this.#lost < LOST_MAX) return undefined;
    this.#lost = 0;
    const restMs = this.#restMs;
    this.#restMs = Math.min(2 * restMs, REST_MS_MAX);
    return restMs;
  }
}
