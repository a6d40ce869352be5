#!/usr/bin/env node
// `npm run lockfile`: makes package-lock.json anew so that `npm ci` takes it anywhere.
// Two things npm itself does not do: leave out the download addresses, which would tie the project to
// the registry of whoever ran it, and keep the optional packages of other platforms when that
// registry does not carry them.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const FILE = "package-lock.json";
const SYSTEMS = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
];
const PROCESSORS = ["arm64", "arm", "x64", "ia32", "loong64", "ppc64", "riscv64", "s390x"];

/** "linux-x64-musl" -> what npm's os, cpu and libc fields say of it. */
function platformOf(name) {
  const words = name.split("/").at(-1).split("-");
  const os = [...SYSTEMS, "win32"].filter((system) => words.includes(system));
  const cpu = PROCESSORS.filter((processor) => words.includes(processor));
  const libc = [
    ...(words.some((word) => word.startsWith("musl")) ? ["musl"] : []),
    ...(words.some((word) => word.startsWith("gnu")) ? ["glibc"] : []),
  ];
  return Object.fromEntries(
    Object.entries({ os, cpu, libc }).filter(([, values]) => values.length > 0),
  );
}

execFileSync("npm", ["install", "--package-lock-only"], { stdio: "inherit" });
const lock = JSON.parse(readFileSync(FILE, "utf8"));
for (const parent of Object.values(lock.packages)) {
  delete parent.resolved;
  for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
    const { os, cpu, libc } = platformOf(name);
    if (os === undefined || !/^\d/.test(version)) continue;
    lock.packages[`node_modules/${name}`] ??= {
      version,
      ...(parent.dev ? { dev: true } : {}),
      optional: true,
      os,
      ...(cpu === undefined ? {} : { cpu }),
      ...(libc === undefined ? {} : { libc }),
    };
  }
}
const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(
  FILE,
  `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`,
);
console.log(`${FILE} names ${sorted.length} packages.`);
