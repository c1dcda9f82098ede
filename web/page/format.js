// @ts-check
// Numbers and names as people write them.

/**
 * Seconds as minutes and seconds.
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/**
 * A stretch of time.
 * @param {{ start: number, end: number }} segment in seconds
 */
export const stretch = ({ start, end }) => `${clock(start)}\u2013${clock(end)}`;

/**
 * A share as a percentage without its sign.
 * @param {number} share
 */
export const percent = (share) => Math.round(100 * share);

/**
 * A number with its sign, a real minus.
 * @param {number} value
 */
export const signed = (value) => `${value < 0 ? "\u2212" : "+"}${Math.abs(value).toFixed(3)}`;

/**
 * A duration as a person would say it.
 * @param {number} milliseconds
 */
export const spent = (milliseconds) => (milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`);

/**
 * The last part of a path, of Windows too.
 * @param {string} path
 */
export const fileName = (path) => path.split(/[/\\]/).at(-1) ?? path;
