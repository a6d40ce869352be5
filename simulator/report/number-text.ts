import type { Estimate } from "../statistics.ts";

/** What a number measures, and so how it is written. */
export type Unit = "share" | "ms" | "s" | "Mb/s" | "bytes" | "count" | "ratio";

/** A number for a person: shares as per cent, small ones in powers of ten; three significant digits. */
export function numberText(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  switch (unit) {
    case "share":
      return shareText(value);
    case "bytes":
      return bytesText(value);
    case "count":
      return grouped(value);
    case "ratio":
      return `${digits(value)}×`;
    case "ms":
    case "s":
    case "Mb/s":
      return `${digits(value)} ${unit}`;
    default:
      return unit satisfies never;
  }
}

/** "1.21 ± 0.04 s"; a single run has no interval. */
export function estimateText({ mean, halfWidth }: Estimate, unit: Unit): string {
  if (!Number.isFinite(halfWidth)) return numberText(mean, unit);
  return `${numberText(mean, unit)} ± ${numberText(halfWidth, unit)}`;
}

function shareText(value: number): string {
  if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(1).replace("-", "−");
  // Near 1 the interesting digits are those of what is missing.
  const places = value > 0.9 && value < 1 ? 2 : 1;
  return `${trimmed((100 * value).toFixed(places))} %`;
}

function bytesText(value: number): string {
  const scales = ["B", "kB", "MB", "GB", "TB"];
  const scale = Math.min(4, Math.max(0, Math.floor(Math.log10(Math.max(1, Math.abs(value))) / 3)));
  return `${digits(value / 1000 ** scale)} ${scales[scale]}`;
}

function digits(value: number): string {
  if (Math.abs(value) >= 1000) return grouped(value);
  return value === 0 ? "0" : trimmed(value.toPrecision(3));
}

function grouped(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

function trimmed(text: string): string {
  return text.includes(".") && !text.includes("e") ? text.replace(/\.?0+$/, "") : text;
}
