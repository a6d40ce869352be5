import { audienceText } from "./readout.ts";

/** The part of `GET /api/v1/status` that this page shows. */
interface OriginStatus {
  readonly streams: readonly { id: string; title: string; viewers: number }[];
}

const ASK_EVERY_MS = 4000;

function cardOf(stream: OriginStatus["streams"][number]): HTMLLIElement {
  const card = document.createElement("a");
  card.className = "card";
  card.href = `/watch/${encodeURIComponent(stream.id)}`;
  card.append(
    span("badge live", "Live"),
    labelled(span("card-title", stream.title), span("card-audience", audienceText(stream.viewers))),
  );
  const item = document.createElement("li");
  item.append(card);
  return item;
}

function span(className: string, text: string): HTMLSpanElement {
  const element = document.createElement("span");
  element.className = className;
  element.textContent = text;
  return element;
}

function labelled(title: HTMLSpanElement, detail: HTMLSpanElement): HTMLSpanElement {
  const group = span("card-text", "");
  group.append(title, detail);
  return group;
}

function show(status: OriginStatus, summary: HTMLElement, list: HTMLElement): void {
  const count = status.streams.length;
  const words =
    count === 0
      ? "Nothing is on air right now. Streams appear here as soon as they start."
      : `${count === 1 ? "One stream is" : `${count} streams are`} on air.`;
  if (summary.textContent !== words) summary.textContent = words;
  const shape = JSON.stringify(status.streams);
  if (list.dataset["shape"] === shape) return;
  list.dataset["shape"] = shape;
  const focused = document.activeElement?.getAttribute("href");
  list.replaceChildren(...status.streams.map(cardOf));
  // What replaced the card with the keyboard focus gets it.
  const links = [...list.querySelectorAll("a")];
  links.find((link) => link.getAttribute("href") === focused)?.focus();
}

async function refresh(summary: HTMLElement, list: HTMLElement): Promise<void> {
  try {
    const signal = AbortSignal.timeout(ASK_EVERY_MS);
    const response = await fetch("/api/v1/status", { cache: "no-store", signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    show((await response.json()) as OriginStatus, summary, list);
  } catch {
    summary.textContent = "The server cannot be reached. This page keeps trying.";
  }
}

const summary = document.getElementById("summary");
const list = document.getElementById("streams");
if (summary !== null && list !== null) {
  void refresh(summary, list);
  setInterval(() => void refresh(summary, list), ASK_EVERY_MS);
}
