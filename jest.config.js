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
/** Where tests start no process and open no socket. */
const pure = ["core", "mesh", "simulator", "player"].map((folder) => `<rootDir>/${folder}/`);

export default {
  testTimeout: 30_000,
  projects: [
    {
      ...common,
      displayName: "pure",
      roots: pure,
      testPathIgnorePatterns: [...ignored, inChromium],
    },
    {
      ...common,
      displayName: "processes",
      testPathIgnorePatterns: [...ignored, ...pure, inChromium],
    },
    {
      ...common,
      displayName: "chromium",
      testRegex: [inChromium],
      testPathIgnorePatterns: ignored,
    },
  ],
};
