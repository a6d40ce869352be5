import { isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument } from "yaml";
import type { Setting, Settings } from "./config.ts";
import { OPTION_NAMES, OPTIONS, optionKey } from "./options.ts";
import { didYouMean } from "./suggestion.ts";

const FILE_LENGTH_MAX = 64 * 1024;

/**
 * Reads a flat YAML file of settings, e.g. `rtmp-port: 1935`; a list may be given for a setting
 * that takes several values. Anything wrong is added to `problems` as "file:line: what".
 */
export function parseConfigFile(file: string, text: string, problems: string[]): Settings {
  if (text.length > FILE_LENGTH_MAX) {
    problems.push(`${file}: longer than ${FILE_LENGTH_MAX} characters`);
    return {};
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const placeOf = (offset: number) => `${file}:${lines.linePos(offset).line}`;
  for (const error of document.errors) problems.push(`${placeOf(error.pos[0])}: ${error.message}`);
  if (document.errors.length > 0 || document.contents === null) return {};
  if (!isMap(document.contents)) {
    problems.push(`${file}: expected lines of the form "key: value"`);
    return {};
  }
  const settings: Settings = {};
  for (const pair of document.contents.items) readPair(pair, placeOf, settings, problems);
  return settings;
}

function readPair(
  { key, value }: Pair,
  placeOf: (offset: number) => string,
  settings: Settings,
  problems: string[],
): void {
  if (!isScalar(key)) return;
  const word = String(key.value);
  const place = placeOf(key.range?.[0] ?? 0);
  const name = OPTION_NAMES.find((candidate) => optionKey(candidate) === word);
  if (name === undefined) {
    const hint = didYouMean(word, OPTION_NAMES.map(optionKey));
    problems.push(`${place}: no such key ${word}${hint}`);
    return;
  }
  const source = `${place}: ${word}`;
  const text = textOf(value, OPTIONS[name].kind.list);
  if (text === undefined) problems.push(`${source}: expected ${OPTIONS[name].kind.expected}`);
  else settings[name] = { text, source } satisfies Setting;
}

/** A scalar's own words (so that 1e3 or 0x10 are not silently read as numbers), or a joined list. */
function textOf(value: unknown, isList: boolean): string | undefined {
  if (isScalar(value)) {
    return value.value === null ? undefined : (value.source ?? String(value.value));
  }
  if (!(isList && isSeq(value))) return undefined;
  const texts = value.items.map((item) => textOf(item, false));
  return texts.includes(undefined) ? undefined : texts.join(",");
}
