import * as z from "zod/mini";
import { expect, test } from "vitest";
import { backgroundEventSchema, backgroundEventType } from "./background-event.ts";
import { emergencyEventSchema, emergencyEventType } from "./emergency-event.ts";
import { admissionEventSchema, admissionEventType } from "./event.ts";

const published = [
  { name: "admission-event", schema: admissionEventSchema, type: admissionEventType },
  { name: "background-event", schema: backgroundEventSchema, type: backgroundEventType },
  { name: "emergency-event", schema: emergencyEventSchema, type: emergencyEventType },
];

test.each(published)(
  "the published JSON Schema of $name is that of the code (vitest -u writes it)",
  async ({ name, schema, type }) => {
    const text = {
      ...z.toJSONSchema(schema),
      $id: `https://gatehouse.dev/schema/${name}.json`,
      title: `A CloudEvents 1.0 event of type ${type}`,
    };
    await expect(`${JSON.stringify(text, null, 2)}\n`).toMatchFileSnapshot(
      `../../../docs/schema/${name}.json`,
    );
  },
);
