import type { Logger } from "pino";
import type { Severity, Symptom } from "./diagnosis.ts";

/** Looks in a row at which a symptom is there before it is told, and not there before it is cured. */
const LOOKS_TO_TELL = 2;
const LOOKS_TO_CURE = 5;

/** A symptom that was told to the broadcaster. */
export interface Finding extends Symptom {
  /** Milliseconds since the UNIX epoch. */
  readonly sinceMs: number;
}

interface Course {
  symptom: Symptom;
  readonly sinceMs: number;
  present: number;
  absent: number;
  isTold: boolean;
}

const WEIGHT: Readonly<Record<Severity, number>> = { info: 0, warning: 1, error: 2 };

/** Remembers what was found, so that each thing is logged once when it comes and once when it is cured. */
export class Doctor {
  readonly #log: Logger;
  readonly #courses = new Map<string, Course>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** What is wrong now, the worst first. */
  get findings(): Finding[] {
    return [...this.#courses.values()]
      .filter(({ isTold }) => isTold)
      .map(({ symptom, sinceMs }) => ({ ...symptom, sinceMs }))
      .sort((a, b) => WEIGHT[b.severity] - WEIGHT[a.severity]);
  }

  /** Takes the symptoms of one look; call it about once a second. `nowMs` is the UNIX time. */
  look(nowMs: number, symptoms: readonly Symptom[]): void {
    const present = new Map(symptoms.map((symptom) => [symptom.code, symptom]));
    for (const [code, symptom] of present) this.#note(nowMs, code, symptom);
    for (const [code, course] of this.#courses) if (!present.has(code)) this.#miss(code, course);
  }

  #note(nowMs: number, code: string, symptom: Symptom): void {
    const course = this.#courses.get(code) ?? {
      ...{ symptom, sinceMs: nowMs },
      ...{ present: 0, absent: 0, isTold: false },
    };
    this.#courses.set(code, course);
    course.symptom = symptom;
    course.present += 1;
    course.absent = 0;
    if (course.isTold || course.present < LOOKS_TO_TELL) return;
    course.isTold = true;
    const { severity, message, cure } = symptom;
    this.#log[severity === "warning" ? "warn" : severity]({ finding: code }, `${message} ${cure}`);
  }

  #miss(code: string, course: Course): void {
    course.absent += 1;
    course.present = 0;
    if (course.isTold && course.absent < LOOKS_TO_CURE) return;
    this.#courses.delete(code);
    if (course.isTold) this.#log.info({ finding: code }, `cured: ${course.symptom.message}`);
  }
}
