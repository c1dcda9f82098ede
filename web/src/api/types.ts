// Short names for the types of the API's answers.

import type { components, operations } from "../../types/api";

type Schemas = components["schemas"];

export type Modality = Schemas["Modality"];
export type Hit = Schemas["HitOut"];
export type Match = Schemas["MatchOut"];
export type Item = Schemas["ItemOut"];
export type ItemEntry = Schemas["ItemEntry"];
export type Span = Schemas["SpanOut"];
export type Located = Schemas["LocateOut"];
export type Place = Schemas["PlaceOut"];
export type Facets = Schemas["FacetsOut"];
export type Status = Schemas["StatusOut"];
export type Job = Schemas["JobOut"];
export type Storage = Schemas["StorageOut"];
export type Root = Schemas["RootOut"];
export type FileError = Schemas["FileErrorOut"];
export type Reason = NonNullable<NonNullable<operations["failures_v1_failures_get"]["parameters"]["query"]>["reason"]>;
export type Model = Schemas["ModelDetailOut"];
export type ItemMap = Schemas["MapOut"];
export type Suggestion = Schemas["SuggestionOut"];
export type Upload = Schemas["UploadOut"];
export type JobIn = Schemas["JobIn"];
export type SearchIn = Schemas["SearchIn"];
export type TermIn = Schemas["TermIn"];

export const MODALITIES = ["text", "image", "audio", "video", "point_cloud"] as const satisfies Modality[];

export const isModality = (name: string): name is Modality => (MODALITIES as readonly string[]).includes(name);
