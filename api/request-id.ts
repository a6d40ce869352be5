import { randomUUID } from "node:crypto";
import type { RequestHandler, Response } from "express";

const REQUEST_ID = /^[\w-]{8,64}$/;

/** Gives every request an id, the caller's own if it sent a good one: answers, problems and logs tell it. */
export const requestId: RequestHandler = (request, response, next) => {
  const given = request.get("x-request-id");
  const id = given !== undefined && REQUEST_ID.test(given) ? given : randomUUID();
  response.locals["requestId"] = id;
  response.set("X-Request-Id", id);
  next();
};

/** The id of the request that `response` answers. */
export function requestIdOf(response: Response): string {
  return String(response.locals["requestId"]);
}
