// The programs that npm cannot bring: found on the machine, or installed by its package manager.
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { runStep, StepFailure } from "./step.js";

/** What each program is called on disk and in the package managers. */
const PROGRAMS = {
  ffmpeg: { names: ["ffmpeg"], apt: "ffmpeg", brew: ["ffmpeg"] },
  "redis-server": { names: ["redis-server"], apt: "redis-server", brew: ["redis"] },
  chromium: {
    names: [
      "chromium",
      "chromium-browser",
      "google-chrome",
      "google-chrome-stable",
      "/Applications/Chromium.app/Contents/MacOS/Chromium",
      "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    ],
    apt: "chromium",
    brew: ["--cask", "chromium"],
  },
};

/** Installs those of `wanted` (keys of PROGRAMS) that are missing. Throws StepFailure with the command to run by hand. */
export async function ensurePrograms(wanted) {
  const missing = wanted.filter((name) => !PROGRAMS[name].names.some(isInstalled));
  if (missing.length === 0) return;
  if (isInstalled("apt-get")) await installWithApt(missing);
  else if (process.platform === "darwin" && isInstalled("brew")) await installWithBrew(missing);
  else throw cannotInstall(missing, byHandCommand(missing));
}

async function installWithApt(missing) {
  const packages = missing.map((name) => PROGRAMS[name].apt);
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...packages];
  const prefix = rootPrefix();
  if (prefix === undefined) {
    throw cannotInstall(missing, `sudo apt-get update && sudo ${install.join(" ")}`);
  }
  // `env` carries the setting through sudo, which drops the environment.
  const apt = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive"];
  await runStep("Refreshing the package list (apt-get update)", [...apt, "apt-get", "update"], {
    quiet: true,
  });
  const title = `Installing ${missing.join(", ")} (${install.join(" ")})`;
  await runStep(title, [...apt, ...install], { quiet: true });
}

async function installWithBrew(missing) {
  for (const name of missing) {
    const command = ["brew", "install", ...PROGRAMS[name].brew];
    await runStep(`Installing ${name} (${command.join(" ")})`, command, { quiet: true });
  }
}

/** What to put before a command that needs root: nothing, sudo, or undefined when neither works. */
function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  const sudo = isInstalled("sudo") && spawnSync("sudo", ["-n", "true"], { stdio: "ignore" });
  return sudo && sudo.status === 0 ? ["sudo", "-n"] : undefined;
}

function cannotInstall(missing, command) {
  return new StepFailure(`Starling needs ${missing.join(", ")}. Install with:\n\n  ${command}\n`);
}

function byHandCommand(missing) {
  const packages = missing.map((name) => (name === "redis-server" ? "redis" : name)).join(" ");
  if (process.platform === "darwin") {
    return missing.map((name) => `brew install ${PROGRAMS[name].brew.join(" ")}`).join(" && ");
  }
  if (isInstalled("dnf")) return `sudo dnf install ${packages}`;
  if (isInstalled("pacman")) return `sudo pacman -S ${packages}`;
  if (isInstalled("apk")) return `sudo apk add ${packages}`;
  return `your package manager: ${packages}`;
}

/** Looks in PATH and in the usual system folders, which a service's PATH may lack. */
function isInstalled(name) {
  if (name.startsWith("/")) return isExecutable(name);
  const folders = `${process.env.PATH ?? ""}${delimiter}/usr/bin${delimiter}/usr/local/bin`;
  return folders.split(delimiter).some((folder) => isExecutable(join(folder, name)));
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
