/** Two signals closer than this are one Ctrl-C: the terminal sends it to us, and npm passes it on. */
const SAME_PRESS_MS = 500;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The wish to stop, as the person at the terminal or the system expresses it. */
export interface StopSignal {
  /** Resolves with the first signal's name. */
  readonly asked: Promise<string>;
  readonly isAsked: boolean;
  /** Calls back at the second wish: stop at once. */
  onSecond(hurry: () => void): void;
}

/** Listens to Ctrl-C, SIGTERM and the terminal being closed, from now to the end of the process. */
export function listenForStop(): StopSignal {
  let firstAtMs: number | undefined;
  let hurry: () => void = () => undefined;
  const asked = new Promise<string>((resolve) => {
    const onSignal = (signal: string) => {
      const nowMs = performance.now();
      if (firstAtMs === undefined) {
        firstAtMs = nowMs;
        resolve(signal);
      } else if (nowMs - firstAtMs > SAME_PRESS_MS) {
        hurry();
      }
    };
    for (const signal of SIGNALS) process.on(signal, onSignal);
  });
  return {
    asked,
    get isAsked() {
      return firstAtMs !== undefined;
    },
    onSecond: (callback) => {
      hurry = callback;
    },
  };
}
