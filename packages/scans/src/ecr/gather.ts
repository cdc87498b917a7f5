/** Asks one question; rejects with what its batch met, or with the signal's reason. */
export type Gathered<Q, A> = (question: Q, signal: AbortSignal) => Promise<A>;

interface Waiting<Q, A> {
  question: Q;
  resolve: (answer: A) => void;
  reject: (reason: unknown) => void;
}

/**
 * Asks several questions in one call. A question never waits for others to come: it goes out at once while fewer than
 * `atOnce` calls are under way, and else with all that came meanwhile, so that a busy interface gets few calls and an
 * idle one answers as soon as it can.
 */
export function gather<Q, A>(options: {
  /** Answers in the order of the questions. */
  ask: (questions: readonly Q[], signal: AbortSignal) => Promise<readonly A[]>;
  /** Most questions of one call. */
  most: number;
  /** @default 2 */
  atOnce?: number;
  /** Longest that one call may take, whoever waits for it, in milliseconds. @default 60000 */
  budgetMs?: number;
}): Gathered<Q, A> {
  const waiting: Waiting<Q, A>[] = [];
  let underWay = 0;

  async function send(batch: readonly Waiting<Q, A>[]): Promise<void> {
    try {
      const questions = batch.map(({ question }) => question);
      const answers = await options.ask(questions, AbortSignal.timeout(options.budgetMs ?? 60_000));
      if (answers.length !== batch.length)
        throw new Error(`expected ${batch.length} answers, got ${answers.length}`);
      for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as A);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  async function work(): Promise<void> {
    underWay++;
    while (waiting.length > 0) await send(waiting.splice(0, options.most));
    underWay--;
  }

  return async (question, signal) => {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<A>();
    const one = { question, resolve, reject };
    const leave = (): void => {
      const at = waiting.indexOf(one);
      if (at >= 0) waiting.splice(at, 1);
      reject(signal.reason);
    };
    waiting.push(one);
    signal.addEventListener("abort", leave, { once: true });
    if (underWay < (options.atOnce ?? 2)) void work();
    return await promise.finally(() => signal.removeEventListener("abort", leave));
  };
}
