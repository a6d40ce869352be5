import { errorCode, parseRenditionPolicy, type RenditionPolicy } from "../core/index.ts";
import type { CoreBudget } from "./core-budget.ts";
import type { VideoEncoder } from "./ffmpeg-command.ts";
import { type Ladder, ladderCores, ladderOf } from "./ladder.ts";
import type { TrackPlan } from "./track-plan.ts";

/** How ladders are made at this origin. */
export interface LadderSettings {
  /** Of streams that say nothing themselves. */
  readonly renditions: RenditionPolicy;
  readonly videoEncoder: VideoEncoder;
  readonly budget: CoreBudget;
}

/** What a publish session gets of the ladder that its stream asks for. */
export interface SessionLadder {
  /** Undefined: the tracks are copied. */
  readonly ladder: Ladder | undefined;
  /** Why there is none though one is asked for. */
  readonly refusal: string | undefined;
}

/** No ladder, for those that ask for none. */
export const NO_LADDER: SessionLadder = { ladder: undefined, refusal: undefined };

/**
 * Chooses the ladder of a session and takes the cores that it needs for `holder`. One that does not fit is
 * refused: the stream goes out as it comes in rather than late in every rendition.
 */
export function chooseLadder(
  plan: TrackPlan,
  renditions: string | undefined,
  { settings, holder }: { readonly settings: LadderSettings; readonly holder: object },
): SessionLadder {
  const own = renditions === undefined ? undefined : parseRenditionPolicy(renditions);
  const ladder = ladderOf(own ?? settings.renditions, plan);
  if (ladder === undefined) return NO_LADDER;
  const cores = ladderCores(ladder, plan.picture, settings.videoEncoder.isSoftware);
  try {
    settings.budget.take(holder, cores);
    return { ladder, refusal: undefined };
  } catch (error) {
    if (errorCode(error) !== "ladder-cores") throw error;
    return { ladder: undefined, refusal: (error as Error).message };
  }
}
