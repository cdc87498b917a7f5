import { expect, it } from "vitest";
import { emergencyEvent, emergencyEventSchema } from "./emergency-event.ts";

it("tells what is in force and what is ignored, safely", () => {
  const event = emergencyEvent({
    instance: "judge-0",
    cluster: "prod east",
    exemptions: {
      "emergency/outage": { reason: "checkout\nis down", owner: "on-call", until: "2026-11-22T20:00:00Z" },
    },
    problems: ["wrong: expected an exemption as JSON\u001b[31m"],
    at: Date.parse("2026-11-22T12:00:00Z"),
  });
  expect(event).toEqual({
    specversion: "1.0",
    type: "io.gatehouse.emergency.v1",
    source: "/clusters/prod%20east/judges/judge-0",
    id: `emergency-judge-0-${Date.parse("2026-11-22T12:00:00Z")}`,
    time: "2026-11-22T12:00:00.000Z",
    subject: "gatehouse-emergency",
    datacontenttype: "application/json",
    data: {
      cluster: "prod east",
      exemptions: [
        {
          exemption: "emergency/outage",
          owner: "on-call",
          reason: "checkout is down",
          until: "2026-11-22T20:00:00Z",
        },
      ],
      problems: ["wrong: expected an exemption as JSON"],
    },
  });
  expect(emergencyEventSchema.parse(JSON.parse(JSON.stringify(event)))).toEqual(event);
});
