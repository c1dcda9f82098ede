// Draws the waveform of a sound from its peaks.

import { barsOf, type Peaks } from "../viewers/waveform";

const BAR = 3; // pixels, with its gap

/** Draw a waveform into a canvas in the colour of its text. */
export function drawWave(canvas: HTMLCanvasElement, peaks: Pick<Peaks, "min" | "max">): void {
  const scale = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth * scale, canvas.clientHeight * scale];
  [canvas.width, canvas.height] = [width, height];
  const brush = canvas.getContext("2d")!;
  brush.fillStyle = getComputedStyle(canvas).color;
  const wide = BAR * scale;
  barsOf(peaks, Math.floor(width / wide)).forEach((bar, column) => {
    const tall = Math.max(scale, bar * height);
    brush.fillRect(column * wide, (height - tall) / 2, wide - scale, tall);
  });
}
