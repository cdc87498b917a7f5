/** What a request does to its object. */
export const operations = ["CREATE", "UPDATE", "DELETE", "CONNECT"] as const;
/** As `request.operation` of an AdmissionReview has it. */
export type Operation = (typeof operations)[number];
