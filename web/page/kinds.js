// The five modalities, and what people call them.

export const KINDS = {
  text: { one: "Text", many: "Text" },
  image: { one: "Image", many: "Images" },
  audio: { one: "Sound", many: "Audio" },
  video: { one: "Video", many: "Video" },
  point_cloud: { one: "3D", many: "3D" },
};

const ENDINGS = { point_cloud: /\.(glb|gltf|obj|ply|stl|off|dae)$/i, text: /\.(txt|md|pdf|html?)$/i };

/** Guess the modality of a file the user picked, for its icon alone. */
export function kindOf(file) {
  const major = file.type.split("/")[0];
  if (major in KINDS) return major;
  return Object.keys(ENDINGS).find((kind) => ENDINGS[kind].test(file.name)) ?? "image";
}
