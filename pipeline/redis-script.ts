import type { Redis } from "ioredis";

type Argument = string | number;
type Command = (...keysAndArguments: Argument[]) => Promise<unknown>;

/** A Lua script that Redis runs as one atomic step, sent by its digest once the server knows it. */
export class RedisScript {
  readonly #name: string;
  readonly #lua: string;
  readonly #known = new WeakSet<Redis>();

  /** `name` must be unique: it becomes a command of the connection. */
  constructor(name: string, lua: string) {
    this.#name = `starling:${name}`;
    this.#lua = lua;
  }

  async run(redis: Redis, keys: readonly string[], ...values: Argument[]): Promise<unknown> {
    if (!this.#known.has(redis)) {
      redis.defineCommand(this.#name, { lua: this.#lua });
      this.#known.add(redis);
    }
    const commands = redis as unknown as Record<string, Command | undefined>;
    return commands[this.#name]?.call(redis, keys.length, ...keys, ...values);
  }
}
