/**
 * Addresses for Pods, of 10.244.0.0/16.
 *
 * @module
 */

/** Hands out addresses; one that was given back comes again only after all others. */
export interface Addresses {
  /** @throws when all addresses are taken. */
  take(): string;
  give(address: string): void;
}

const first = 16;
const count = 250 * 256 - first;

/** A pool with every address free. */
export function createAddresses(): Addresses {
  const taken = new Set<string>();
  let next = 0;
  return {
    take: () => {
      if (taken.size >= count) throw new Error("all Pod addresses are taken");
      for (;;) {
        const number = first + (next++ % count);
        const address = `10.244.${number >> 8}.${number & 255}`;
        if (taken.has(address)) continue;
        taken.add(address);
        return address;
      }
    },
    give: (address) => void taken.delete(address),
  };
}
