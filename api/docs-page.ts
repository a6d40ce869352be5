import { createHash } from "node:crypto";
import { type Problem, problemList } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h3 { font: 600 1rem ui-monospace, monospace; margin: 2rem 0 0; }
table { border-collapse: collapse; width: 100%; }
td, th { border-top: 1px solid #8884; padding: .25rem .5rem; text-align: left; vertical-align: top; }
pre { background: #8882; overflow: auto; padding: .5rem; }
`;
const POLICY = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

/** `/docs`: what `/openapi.json` says, for people. */
export function docsRoute(routes: () => readonly Route[], schemaOf: JsonSchemaOf): Route {
  return defineRoute({
    method: "get",
    path: "/docs",
    tag: "pages",
    summary: "This API for people",
    answers: { 200: { description: "The page", contentType: "text/html" } },
    handle: (_request, response) => {
      response.set("Content-Security-Policy", POLICY).set("Cache-Control", "no-cache");
      response.type("html").send(page(routes(), schemaOf));
    },
  });
}

type JsonSchemaOf = (schema: NonNullable<Route["body"]>, io: "input" | "output") => object;

function page(routes: readonly Route[], schemaOf: JsonSchemaOf): string {
  const tags = [...new Set(routes.map(({ tag }) => tag))];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Starling API</title>
<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body>
<h1>Starling API</h1>
<p>For programs: <a href="/openapi.json">openapi.json</a>. Send API keys as
<code>Authorization: Bearer …</code>. Every error is a problem document (RFC 9457); its <code>code</code> is
stable, its <code>requestId</code> is what the operator finds in the logs. Wait as long as
<code>Retry-After</code> says.</p>
${tags.map((tag) => section(tag, routes, schemaOf)).join("\n")}
<h2 id="errors">Errors</h2>
<table><tr><th>code</th><th>status</th><th>what</th></tr>
${problemList().map(errorRow).join("\n")}
</table></body></html>
`;
}

function section(tag: string, routes: readonly Route[], schemaOf: JsonSchemaOf): string {
  const own = routes.filter((route) => route.tag === tag);
  return `<h2>${tag}</h2>\n${own.map((route) => operation(route, schemaOf)).join("\n")}`;
}

function operation(route: Route, schemaOf: JsonSchemaOf): string {
  const { method, path, summary, access, body, answers, problems } = route;
  const rows = Object.entries(answers).map(
    ([status, { description, schema, contentType }]) =>
      `<tr><td>${status}</td><td>${text(description)}${schema === undefined ? text(contentType === undefined ? "" : ` (${contentType})`) : pretty(schemaOf(schema, "output"))}</td></tr>`,
  );
  const codes = problems.map((code) => `<a href="#${code}"><code>${code}</code></a>`).join(", ");
  return `<h3>${method.toUpperCase()} ${text(path)}</h3>
<p>${text(summary)}. For ${text(whoMay(access))}.</p>
${body === undefined ? "" : `<p>Body:</p>${pretty(schemaOf(body, "input"))}`}
<table>${rows.join("")}${codes === "" ? "" : `<tr><td>errors</td><td>${codes}</td></tr>`}</table>`;
}

function whoMay(access: Route["access"]): string {
  if (access === "public") return "anybody";
  if (access === "optional-key") return "anybody, or an API key";
  return `an API key with the scope "${access}"`;
}

function errorRow({ code, status, title }: Pick<Problem, "code" | "status" | "title">): string {
  return `<tr id="${code}"><td><code>${code}</code></td><td>${status}</td><td>${text(title)}</td></tr>`;
}

function pretty(value: object): string {
  return `<pre>${text(JSON.stringify(value, null, 2))}</pre>`;
}

function text(raw: string): string {
  return raw.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
