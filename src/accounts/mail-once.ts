import { encodeTime } from "ulid";
import { prefixed, sha256 } from "../platform/ids.ts";

/**
 * The id of a mail's task that is the same however often it is owed, so that one mail is sent. It sorts by time as every
 * task's, by which done ones are cleaned up; hexadecimal digits are letters of a ulid.
 * @param at of what the mail is about; milliseconds
 */
export const taskIdOf = async (template: string, about: string, at: number): Promise<string> =>
  prefixed(
    "wrk",
    `${encodeTime(at).toLowerCase()}${(await sha256(`${template} ${about} ${at}`)).slice(0, 16)}`,
  );
