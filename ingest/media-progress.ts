/** ffmpeg is of no use when its media time does not grow for this long. */
const STALLED_MAX_MS = 10_000;
/** The same, when no segment gets complete: a full disk stops segments and nothing else. */
const SEGMENT_OVERDUE_MS = 15_000;
const SEGMENT_OVERDUE_GOPS = 3;
/** How much longer ffmpeg has than the publisher: silence is the publisher's, and told as such. */
const SILENCE_MARGIN_MS = 2000;

/** How far one publisher's media have come. */
export interface MediaProgress {
  /** Since ffmpeg's media time last grew. */
  readonly stalledMs: number;
  /** Since the last segment was registered, or ffmpeg was started. */
  readonly segmentAgeMs: number;
  /** Between the publisher's key frames. */
  readonly gopS: number;
  /** How long the publisher may send nothing. */
  readonly silenceTimeoutMs: number;
}

/** Why a publisher's media get no further; undefined while they do, or may yet. */
export function progressProblem(
  progress: MediaProgress,
): { readonly code: string; readonly reason: string } | undefined {
  const { stalledMs, segmentAgeMs, gopS, silenceTimeoutMs } = progress;
  const silenceMs = silenceTimeoutMs + SILENCE_MARGIN_MS;
  if (stalledMs > Math.max(STALLED_MAX_MS, silenceMs)) {
    return { code: "ffmpeg-stalled", reason: "ffmpeg makes no progress any more." };
  }
  const gopsMs = SEGMENT_OVERDUE_GOPS * gopS * 1000;
  if (segmentAgeMs > Math.max(SEGMENT_OVERDUE_MS, gopsMs, silenceMs)) {
    const reason = "No segment gets complete: is the disk full, or Redis away?";
    return { code: "segment-overdue", reason };
  }
  return undefined;
}
