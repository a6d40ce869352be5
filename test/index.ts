/** What benchmarks use too. */
export { launchChromium } from "./chromium.ts";
