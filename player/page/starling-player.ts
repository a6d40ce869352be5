/** The one script that a site includes: `<starling-player>`, with hls.js inside. */
import Hls from "hls.js";
import { defineStarlingPlayer } from "../index.ts";

defineStarlingPlayer(Hls);
