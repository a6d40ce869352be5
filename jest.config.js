const common = {
  testEnvironment: "node",
  modulePathIgnorePatterns: ["<rootDir>/dist/"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "es6" } },
    ],
  },
};
const ignored = ["/node_modules/", "/dist/", "/data/"];
const inChromium = "\\.chromium\\.test\\.ts$";

export default {
  testTimeout: 30_000,
  projects: [
    { ...common, displayName: "node", testPathIgnorePatterns: [...ignored, inChromium] },
    {
      ...common,
      displayName: "chromium",
      testRegex: [inChromium],
      testPathIgnorePatterns: ignored,
    },
  ],
};
