// The server's jobs, the newest first. Those that have not ended are followed by their events.

import { answered, server } from "../api/server";
import type { Job, JobIn } from "../api/types";
import { sampled, type Sample } from "./pace";

const SHOWN = 20;

let listed = $state.raw<Job[]>([]);
const paces = $state<Record<string, Sample[]>>({});
const streams = new Map<string, EventSource>();

export const jobs = {
  get now(): Job[] {
    return listed;
  },
};

/** The progress of a job over time. */
export const paceOf = (id: string): readonly Sample[] => paces[id] ?? [];

export const isOver = ({ state }: Job): boolean => !["queued", "running"].includes(state);

/** Read the list, and follow its jobs until `leaveJobs`. */
export async function readJobs(): Promise<void> {
  const { jobs: read } = await answered(server.GET("/v1/jobs", { params: { query: { limit: SHOWN } } }));
  listed = read;
  for (const job of read) followJob(job);
}

/** Stop following. */
export function leaveJobs(): void {
  for (const stream of streams.values()) stream.close();
  streams.clear();
}

/** Queue a job and follow it. Fields that are left out have the server's defaults. */
export async function start(job: { kind: JobIn["kind"]; [field: string]: unknown }): Promise<void> {
  show(await answered(server.POST("/v1/jobs", { body: job as unknown as JobIn })));
}

export async function cancel({ id }: Job): Promise<void> {
  show(await answered(server.POST("/v1/jobs/{job_id}/cancel", { params: { path: { job_id: id } } })));
}

export async function retry({ id }: Job): Promise<void> {
  show(await answered(server.POST("/v1/jobs/{job_id}/retry", { params: { path: { job_id: id } } })));
}

/** Show a job as it is now, and follow it. */
export function show(job: Job): void {
  const known = listed.findIndex(({ id }) => id === job.id);
  listed = known < 0 ? [job, ...listed] : listed.with(known, job);
  followJob(job);
}

function followJob(job: Job): void {
  if (isOver(job) || streams.has(job.id)) return;
  const stream = new EventSource(`v1/jobs/${encodeURIComponent(job.id)}/events`);
  streams.set(job.id, stream);
  const read = (event: MessageEvent<string>): void => {
    const now = JSON.parse(event.data) as Job;
    paces[now.id] = sampled(paceOf(now.id), { time: Date.now() / 1000, done: now.progress.done });
    listed = listed.map((other) => (other.id === now.id ? now : other));
    if (!isOver(now)) return;
    stream.close();
    streams.delete(now.id);
  };
  stream.addEventListener("progress", read);
  stream.addEventListener("end", read);
}
