import { z } from "zod";
import { CycleView } from "@postern/contracts";

export const cyclePage = z.strictObject({
  items: z.array(CycleView),
  continuation: z.string().nullable(),
});
