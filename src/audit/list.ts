import { isoTimestamp } from "../platform/clock.ts";
import type { Context } from "../platform/context.ts";
import { type List, type PageQuery, toList } from "../platform/pagination.ts";
import { type PageSource, readPage } from "../platform/read-page.ts";
import { type Sql, sql } from "../platform/sql.ts";

interface AuditRow {
  seq: number;
  at: number;
  actor: string;
  action: string;
  object_type: string;
  object_id: string;
  before: string | null;
  after: string | null;
  ip: string | null;
  request_id: string | null;
}

export interface AuditQuery extends PageQuery {
  object_type?: string | undefined;
  object_id?: string | undefined;
  actor?: string | undefined;
  action?: string | undefined;
  /** Milliseconds since the epoch. */
  from?: number | undefined;
  to?: number | undefined;
}

const renderEntry = (row: AuditRow) => ({
  id: row.seq,
  at: isoTimestamp(row.at),
  actor: row.actor,
  action: row.action,
  object: { type: row.object_type, id: row.object_id },
  before: changesOf(row.before),
  after: changesOf(row.after),
  ip: row.ip,
  request_id: row.request_id,
});

export type AuditWire = ReturnType<typeof renderEntry>;

/** Columns that hold JSON come as text: they are shown as what they are. */
function changesOf(json: string | null): Record<string, unknown> | null {
  if (json === null) return null;
  const fields = Object.entries(JSON.parse(json) as Record<string, unknown>);
  return Object.fromEntries(fields.map(([name, value]) => [name, plain(value)]));
}

function plain(value: unknown): unknown {
  if (typeof value !== "string" || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** Who changed what, the newest first. An index answers the first filter that is given, and the time. */
export async function listAudit({ env }: Context, query: AuditQuery): Promise<List<AuditWire>> {
  const [first, ...rest] = conditions(query);
  const times = [
    ...(query.from === undefined ? [] : [sql`l.at >= ${query.from}`]),
    ...(query.to === undefined ? [] : [sql`l.at <= ${query.to}`]),
  ];
  const source: PageSource = {
    select: "l.*",
    from: "audit_log AS l",
    where: [...(first === undefined ? [] : [first]), ...times],
    ...(rest.length === 0 ? {} : { filter: rest }),
    key: "l.at",
    id: "l.seq",
    direction: "DESC",
  };
  const { rows, counted, stopped } = await readPage<AuditRow>(env.DB, source, query);
  const cursorOf = (row: AuditRow) => ({ key: row.at, id: String(row.seq) });
  return toList(query, rows, counted, cursorOf, renderEntry, stopped);
}

function conditions({ object_type, object_id, actor, action }: AuditQuery): Sql[] {
  const object =
    object_type === undefined
      ? []
      : [
          object_id === undefined
            ? sql`l.object_type = ${object_type}`
            : sql`l.object_type = ${object_type} AND l.object_id = ${object_id}`,
        ];
  return [
    ...object,
    ...(actor === undefined ? [] : [sql`l.actor = ${actor}`]),
    ...(action === undefined ? [] : [sql`l.action = ${action}`]),
  ];
}
