// Numbers and names as people write them.

/** Seconds as minutes and seconds. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** The day of a time in seconds since 1970, as people of a language write it. */
export const dayOf = (seconds: number, language: string): string =>
  new Date(1000 * seconds).toLocaleDateString(language, { dateStyle: "medium" });

/** A share as a percentage without its sign. */
export const percent = (share: number): number => Math.round(100 * share);

/** The last part of a path, of Windows too. */
export const fileName = (path: string): string => path.split(/[/\\]/).at(-1) ?? path;

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** A size in bytes with three digits: 1.24 GB. */
export function bytes(size: number): string {
  const step = Math.max(0, Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(size, 1)) / 3)));
  const value = size / 1000 ** step;
  const digits = step === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(value)));
  return `${value.toFixed(digits)} ${UNITS[step]}`;
}

/** A time in seconds since 1970, in a language: 14 Jul 2023, 16:05. */
export const moment = (seconds: number, language: string): string =>
  new Date(1000 * seconds).toLocaleString(language, { dateStyle: "medium", timeStyle: "short" });
