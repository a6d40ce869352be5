/**
 * Whether an error is a StarlingError: bad input, with a message for a person that names the cure.
 * Known by its name, as it may come from another realm or worker.
 */
export function isRefusal(error: unknown): error is Error {
  return (
    typeof error === "object" &&
    error !== null &&
    "name" in error &&
    error.name === "StarlingError" &&
    "message" in error
  );
}
