/** What a request does to its object. */
export const operations = ["CREATE", "UPDATE", "DELETE", "CONNECT"] as const;
export type Operation = (typeof operations)[number];
