/** Whether the whole count is asked for rather than a tenth. */
export const soak = process.env["GATEHOUSE_SOAK"] === "1";
