// Records the microphone, and says how loud it is meanwhile.

import { monoOf, wavOf } from "./wav";

export interface Recording {
  /** The loudness now, 0 to 1. */
  level: () => number;
  /** Stop, and give what was recorded. */
  stop: () => Promise<File>;
  /** Stop, and give nothing. */
  cancel: () => void;
}

/**
 * Start to record.
 * @throws DOMException if the user or the browser refuses it, or there is no microphone.
 */
export async function record(name: string): Promise<Recording> {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(stream);
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const ended = new Promise((end) => (recorder.onstop = end));
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  recorder.start();

  const end = (): void => {
    if (recorder.state !== "inactive") recorder.stop();
    stream.getTracks().forEach((track) => track.stop());
  };
  return {
    level: () => {
      analyser.getFloatTimeDomainData(samples);
      return Math.min(1, 2 * Math.max(...samples.map(Math.abs)));
    },
    stop: async () => {
      end();
      await ended;
      const sound = await context.decodeAudioData(await new Blob(parts).arrayBuffer());
      void context.close();
      const channels = Array.from({ length: sound.numberOfChannels }, (_, i) => sound.getChannelData(i));
      return new File([wavOf(monoOf(channels), sound.sampleRate)], `${name}.wav`, { type: "audio/wav" });
    },
    cancel: () => {
      end();
      void context.close();
    },
  };
}
