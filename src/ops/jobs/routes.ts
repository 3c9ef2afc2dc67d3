import { may } from "../../platform/actor.ts";
import { createRoute, endpoint } from "../../platform/http/endpoint.ts";
import { forbidden } from "../../platform/http/permission-guard.ts";
import { notFound, type Problem, problem } from "../../platform/http/problem.ts";
import { createRouter, jsonBody, jsonContent, problems } from "../../platform/http/router.ts";
import { toList } from "../../platform/pagination.ts";
import { changeJob, isNeglect, readJobs } from "./list.ts";
import type { Job } from "./run.ts";
import { runByHand } from "./run-by-hand.ts";
import {
  jobChangeSchema,
  jobListSchema,
  jobParam,
  jobRunSchema,
  jobSchema,
  runJobSchema,
} from "./schemas.ts";
import { findJob, JOBS } from "./table.ts";

const staffOnly = { tags: ["Operations"], permission: "ops" as const };

const AT_IS_LOCAL: Problem = {
  status: 403,
  code: "local_only",
  detail: "Only a local shop runs a job as if at another time.",
  errors: [{ field: "at", code: "local_only", message: "is for local shops" }],
};

const neededJob = ({ name, needed }: Job): Problem =>
  forbidden(
    `Stock and money wait for ${name}: it needs the permission shop to switch it off, or have it come less often than ${needed?.often}.`,
  );

const listRoute = createRoute({
  ...staffOnly,
  method: "get",
  path: "/jobs",
  summary: "The jobs, their schedules and last runs",
  description: "When each is due next, and what became of its last runs.",
  responses: { 200: jsonContent(jobListSchema, "All of them") },
});

const changeRoute = createRoute({
  ...staffOnly,
  method: "patch",
  path: "/jobs/{name}",
  summary: "Change a job's schedule, or switch it on or off",
  description:
    "The schedule is a cron rule in the shop's time zone. Stock and money wait for `expire-unpaid`, `send-owed` and " +
    "`reconcile-stock`: it needs the permission `shop` to switch them off or have them come less often than every 15 minutes, and " +
    "once a day; their `warning` then says so.",
  request: { params: jobParam, body: jsonBody(jobChangeSchema) },
  responses: { 200: jsonContent(jobSchema, "Changed") },
});

const runRoute = createRoute({
  ...staffOnly,
  method: "post",
  path: "/jobs/{name}/run",
  summary: "Run a job now, besides its schedule",
  description: "What it does is safe to be done twice.",
  request: {
    params: jobParam,
    body: { required: false, content: { "application/json": { schema: runJobSchema } } },
  },
  responses: { 200: jsonContent(jobRunSchema, "The run"), ...problems("local_only") },
});

export const jobsRoutes = createRouter(
  endpoint(listRoute, async (c) => {
    const jobs = await readJobs(c.get("context"));
    const all = { page: 1, page_size: JOBS.length };
    const cursorOf = () => ({ key: 0, id: "" });
    return c.json(
      toList(all, jobs, jobs.length, cursorOf, (job) => job),
      200,
    );
  }),
  endpoint(changeRoute, async (c) => {
    const job = findJob(c.req.valid("param").name);
    if (!job) return problem(c, notFound("job"));
    const change = c.req.valid("json");
    if (!may(c.get("context").actor, "shop") && isNeglect(job, change)) return problem(c, neededJob(job));
    await changeJob(c.get("context"), job, change);
    const [changed] = await readJobs(c.get("context"), [job]);
    if (!changed) throw new Error("a job of the table was not read");
    return c.json(changed, 200);
  }),
  endpoint(runRoute, async (c) => {
    const context = c.get("context");
    const job = findJob(c.req.valid("param").name);
    if (!job) return problem(c, notFound("job"));
    const at = c.req.valid("json")?.at ?? null;
    if (at !== null && context.settings.ENVIRONMENT !== "development") return problem(c, AT_IS_LOCAL);
    return c.json(await runByHand(context, job, at), 200);
  }),
);
