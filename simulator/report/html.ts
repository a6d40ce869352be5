/** Markup that may stand in a page as it is. */
export interface Html {
  readonly html: string;
}

/** A template whose values are escaped, unless they are Html themselves; lists are joined. */
export function html(
  strings: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  return {
    html: strings.reduce((text, part, index) => text + rendered(values[index - 1] ?? "") + part),
  };
}

function rendered(value: string | number | Html | readonly Html[]): string {
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return escaped(value);
  return "html" in value ? value.html : value.map((item) => item.html).join("");
}

function escaped(text: string): string {
  return text.replace(
    /[&<>"']/g,
    (character) =>
      ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[character] ?? "&#39;",
  );
}

/** Data for a script of the page: JSON in which nothing can end the element it stands in. */
export function jsonElement(id: string, data: unknown): Html {
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  return html`<script type="application/json" id="${id}">${{ html: json }}</script>`;
}
