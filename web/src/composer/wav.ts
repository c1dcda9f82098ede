// Writes sound as a WAV file, which every server reads: browsers record in containers that are also those of films.

/** The bytes of a WAV file of one channel and 16 bits. `samples` are within -1 and 1. */
export function wavOf(samples: Float32Array, rate: number): ArrayBuffer {
  const file = new ArrayBuffer(44 + 2 * samples.length);
  const view = new DataView(file);
  const write = (at: number, text: string) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  write(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  write(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // the bytes of this chunk
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  write(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => view.setInt16(44 + 2 * i, Math.round(Math.max(-1, Math.min(1, sample)) * 0x7fff), true));
  return file;
}

/** The mean of the channels of a sound. */
export function monoOf(channels: readonly Float32Array[]): Float32Array {
  return Float32Array.from(channels[0] ?? [], (_, i) => channels.reduce((sum, channel) => sum + channel[i]!, 0) / channels.length);
}
