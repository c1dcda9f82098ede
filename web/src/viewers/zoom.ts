// How a picture lies in its frame: scaled about a corner and moved. Lengths are in pixels of the page.

import type { Region } from "../query/slice";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The picture's top left corner is at x, y of the frame; at scale 1 it fits into the frame. */
export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

export const LARGEST = 24;
const ROOM = 0.7; // of the frame, which a box that is shown takes up
const LEAST = 1.6; // times its size in the whole picture

/** The size of a picture that fits into a frame. */
export function fitted(picture: Size, frame: Size): Size {
  const scale = Math.min(frame.width / picture.width, frame.height / picture.height);
  return { width: picture.width * scale, height: picture.height * scale };
}

/** The whole picture, in the middle. */
export const whole = (size: Size, frame: Size): View => ({ scale: 1, x: (frame.width - size.width) / 2, y: (frame.height - size.height) / 2 });

/** Scale by a factor so that what is under a point of the frame stays there. */
export function zoomed(view: View, factor: number, at: { x: number; y: number }, size: Size, frame: Size): View {
  const scale = Math.max(1, Math.min(LARGEST, view.scale * factor));
  const ratio = scale / view.scale;
  return kept({ scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio }, size, frame);
}

export const moved = (view: View, dx: number, dy: number, size: Size, frame: Size): View => kept({ ...view, x: view.x + dx, y: view.y + dy }, size, frame);

/** Show a box of the picture, in shares of its sides, in the middle of the frame; a large one within the whole picture. */
export function framed([x, y, width, height]: Region, size: Size, frame: Size): View {
  const scale = Math.min((ROOM * frame.width) / (width * size.width), (ROOM * frame.height) / (height * size.height));
  if (scale < LEAST) return whole(size, frame);
  const bounded = Math.min(LARGEST / 4, scale);
  const [cx, cy] = [(x + width / 2) * size.width * bounded, (y + height / 2) * size.height * bounded];
  return kept({ scale: bounded, x: frame.width / 2 - cx, y: frame.height / 2 - cy }, size, frame);
}

/** The part of the picture that the frame shows, in shares of its sides. */
export function visible(view: View, size: Size, frame: Size): Region {
  const span = (at: number, side: number, room: number): [number, number] => {
    const length = side * view.scale;
    const start = Math.max(0, -at / length);
    return [start, Math.min(1, (room - at) / length) - start];
  };
  const [x, width] = span(view.x, size.width, frame.width);
  const [y, height] = span(view.y, size.height, frame.height);
  return [x, y, width, height];
}

/** Keep the picture over the frame: it leaves no gap that it need not leave. */
function kept({ scale, x, y }: View, size: Size, frame: Size): View {
  const along = (at: number, side: number, room: number): number => {
    const length = side * scale;
    return length <= room ? (room - length) / 2 : Math.max(room - length, Math.min(0, at));
  };
  return { scale, x: along(x, size.width, frame.width), y: along(y, size.height, frame.height) };
}
