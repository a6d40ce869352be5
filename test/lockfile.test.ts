import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

const ROOT = join(import.meta.dirname, "..");

interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly hasInstallScript?: boolean;
}

const EXACT = /^(npm:[\w./-]+@)?\d+\.\d+\.\d+$/;
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;
/** They would build or pick native code, which comes as packages of its own anyway: all of them work without. */
const WITH_INSTALL_SCRIPTS = ["@parcel/watcher", "@swc/core", "esbuild", "msgpackr-extract"];

const { "": _own, ...packages } = (
  JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockedPackage>;
  }
).packages;

/** The names of the packages for which something holds. */
function namesOf(holds: (locked: LockedPackage) => boolean): string[] {
  return Object.entries(packages)
    .filter(([, locked]) => holds(locked))
    .map(([path]) => path.replace(/^.*node_modules\//, ""))
    .sort();
}

test("package.json names exact versions", () => {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(ROOT, "package.json"), "utf8"),
  ) as Record<string, Record<string, string>>;
  const versions = Object.entries({ ...dependencies, ...devDependencies });
  expect(versions.length).toBeGreaterThan(20);
  expect(versions.filter(([, version]) => !EXACT.test(version))).toEqual([]);
});

test("every locked package has a SHA-512, but for native code of platforms that are named", () => {
  expect(Object.keys(packages).length).toBeGreaterThan(400);
  const isHashed = ({ integrity }: LockedPackage): boolean => SHA512.test(integrity ?? "");
  const isOfOtherPlatforms = ({ integrity, optional, os }: LockedPackage): boolean =>
    integrity === undefined && optional === true && os !== undefined;
  expect(namesOf((locked) => !isHashed(locked) && !isOfOtherPlatforms(locked))).toEqual([]);
});

test("no package comes from elsewhere than the registry", () => {
  expect(namesOf(({ resolved, link }) => resolved !== undefined || link === true)).toEqual([]);
});

test("packages with install scripts are those that are known, and npm runs none of them", () => {
  expect(namesOf(({ hasInstallScript }) => hasInstallScript === true)).toEqual(
    WITH_INSTALL_SCRIPTS,
  );
  expect(readFileSync(join(ROOT, ".npmrc"), "utf8")).toMatch(/^ignore-scripts=true$/m);
});
