export interface Runner { start(): Promise<void>; kill(): Promise<void>; signal(o: unknown): Promise<void>; logFile(o: unknown): Promise<string> }
export function createRunner(_: unknown): Runner { const n = async () => undefined; return { start: n, kill: n, signal: n, logFile: async () => "" }; }
