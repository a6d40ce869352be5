/** What the origin says about one stream: the answer of `GET /api/v1/streams/:id/status`. */
export interface StreamStatus {
  readonly id: string;
  readonly title: string;
  /** `interrupted`: segments stopped coming a few seconds ago, the playlist is still served. */
  readonly state: "live" | "interrupted" | "offline";
  readonly viewers: number;
}

/** `missing`: no such stream. `unreachable`: the origin did not answer; nothing is known. */
export type StatusAnswer = StreamStatus | "missing" | "unreachable";

const STATUS_TIMEOUT_MS = 5000;

/** Asks the origin once. Never throws. */
export async function fetchStatus(stream: string): Promise<StatusAnswer> {
  try {
    const response = await fetch(`/api/v1/streams/${encodeURIComponent(stream)}/status`, {
      signal: AbortSignal.timeout(STATUS_TIMEOUT_MS),
    });
    if (response.status === 404) return "missing";
    return response.ok ? ((await response.json()) as StreamStatus) : "unreachable";
  } catch {
    return "unreachable";
  }
}
