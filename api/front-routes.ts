import { z } from "zod";
import type { StreamRegistry } from "../pipeline/index.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";

const QUERY_LENGTH_MAX = 2048;

/** What MediaMTX asks (authHTTPAddress); it adds fields from version to version. */
const questionSchema = z.looseObject({
  action: z.string().max(64).describe("Only publish is ever allowed."),
  path: z.string().max(256).describe("live/<stream id>."),
  password: z.string().max(512).optional().describe("The stream key,"),
  token: z.string().max(512).optional().describe("or here, as WHIP clients send it,"),
  query: z.string().max(QUERY_LENGTH_MAX).optional().describe("or as pass=<stream key>."),
});

const PATH = /^live\/([a-z0-9][a-z0-9-]{0,63})$/;

/** `/internal/front/auth`: whether a server in front may let a publisher in. All else is denied. */
export function frontRoutes(registry: Pick<StreamRegistry, "authorise">): Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/internal/front/auth",
      tag: "streams",
      summary: "Whether a server in front, such as MediaMTX, may let a publisher in",
      body: questionSchema,
      answers: { 204: { description: "It may: the stream key is that of the path's stream" } },
      problems: ["publisher-refused"],
      handle: async (_request, response, question) => {
        const id = PATH.exec(question.path)?.[1];
        const stream = await registry.authorise(keyOf(question));
        if (question.action !== "publish" || id === undefined || stream?.id !== id) {
          throw refusal("publisher-refused", "Publish to live/<stream id> with its stream key.");
        }
        response.set("Cache-Control", "no-store").status(204).end();
      },
    }),
  ];
}

function keyOf({ password, token, query }: z.output<typeof questionSchema>): string {
  return password || token || (new URLSearchParams(query).get("pass") ?? "");
}
