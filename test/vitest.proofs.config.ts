import { defineConfig } from "vitest/config";
import everyday from "./vitest.config.ts";

const PROOFS = "test/chaos/long/**";

/**
 * The short forms of what takes longer than the everyday suite: over `test/chaos/long`, inside workerd and outside, one file
 * after the other, since each wants the machine for itself.
 */
export default defineConfig({
  ...everyday,
  test: {
    ...everyday.test,
    fileParallelism: false,
    projects: (everyday.test?.projects ?? []).map((project) => {
      if (typeof project !== "object" || project instanceof Promise) throw new Error("not a plain project");
      const node = project.test?.name === "node";
      return {
        ...project,
        test: {
          ...project.test,
          include: [`${PROOFS}/*${node ? ".node" : ""}.test.ts`],
          exclude: node ? [] : ["test/**/*.node.test.ts"],
        },
      };
    }),
  },
});
