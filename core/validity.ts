import { StarlingError } from "./errors.ts";
import type { InstantMs } from "./time.ts";

/** How far ahead of a verifier's clock a manifest or token may be issued. */
export const CLOCK_SKEW_MAX_S = 30;

/** Throws StarlingError "<name>-expired" or "<name>-not-yet-valid" outside of iat..exp. */
export function checkValidity(
  claims: { readonly issuedAtS: number; readonly expiresAtS: number },
  now: InstantMs,
  name: string,
): void {
  const nowS = now / 1000;
  if (nowS >= claims.expiresAtS) {
    const lateS = Math.ceil(nowS - claims.expiresAtS);
    throw new StarlingError(`${name}-expired`, `Its validity ended ${lateS} s ago.`);
  }
  if (claims.issuedAtS > nowS + CLOCK_SKEW_MAX_S) {
    throw new StarlingError(
      `${name}-not-yet-valid`,
      `It was issued more than ${CLOCK_SKEW_MAX_S} s in the future: check this machine's clock.`,
    );
  }
}
